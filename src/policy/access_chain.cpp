#include "policy/access_chain.h"

#include <algorithm>

#include "policy/policy_parts.h"

namespace writ::policy {
namespace {

const registry::User* find_user(const Inquiry& inquiry, const World& world) {
  const registry::User* user = world.objects.user(inquiry.user);
  return user ? user : world.objects.user_by_name(inquiry.user);
}

Inquiry with_action(const Inquiry& wanted, Action action, std::string scope = {}) {
  Inquiry inquiry = wanted;
  inquiry.action = action;
  inquiry.scope = std::move(scope);
  if (action == Action::connect || action == Action::grant_scope) inquiry.arguments.reset(), inquiry.tool.clear(), inquiry.uri_or_prompt.clear();
  return inquiry;
}

// The scopes one of which is needed, the least first: one that is not high-impact, as the gateway asks for them.
std::vector<std::string> scopes_needed(const Inquiry& wanted, const registry::Server* server) {
  if (wanted.action == Action::grant_scope) return {};   // it is the last leg itself
  if (!wanted.scope.empty()) return {wanted.scope};
  std::vector<std::string> names;
  if (wanted.action != Action::call || !server) return names;
  for (const bool high_impact : {false, true}) {
    for (const registry::Scope* scope : scopes_of(*server, wanted.tool)) {
      if (scope->high_impact == high_impact) names.push_back(scope->name);
    }
  }
  return names;
}

class Chainer {
 public:
  Chainer(const Inquiry& wanted, const World& world, const Bundle& bundle, const BundleFiles& files)
      : wanted_(wanted), last_(wanted), world_(world), bundle_(bundle), files_(files) {
    const registry::User* user = find_user(wanted, world);
    who_ = user ? user->name : wanted.user;
    // The gateway believes the token of the server's authorization server: it is who vouches there.
    const registry::Server* server = world.objects.server(wanted.server);
    if (is_use() && wanted.issuer.empty() && server) last_.issuer = server->resource_as;
  }

  AccessChain take() {
    if (wanted_.action != Action::connect) chain_.legs.push_back(leg_of(with_action(wanted_, Action::connect)));
    // Who is refused at the door is told that once, not on every leg.
    if (chain_.legs.empty() || !chain_.legs.front().refused) {
      add_scope();
      chain_.legs.push_back(leg_of(last_));
    }
    chain_.allowed = std::all_of(chain_.legs.begin(), chain_.legs.end(), [](const Leg& leg) { return leg.allowed; });
    if (!chain_.allowed) suggest();
    add_notes();
    return std::move(chain_);
  }

 private:
  bool is_use() const { return wanted_.action != Action::connect && wanted_.action != Action::grant_scope; }

  Leg leg_of(Inquiry inquiry) {
    Leg leg;
    leg.inquiry = std::move(inquiry);
    if (auto refusal = find_refusal(leg.inquiry, world_)) {
      leg.refused = std::move(refusal);
    } else if (auto question = question_of(leg.inquiry, world_); !question) {
      leg.refused = std::move(question).error();
    } else {
      leg.explanation = explain(*question, bundle_, {who_, std::nullopt});
      leg.allowed = leg.explanation->decision.allowed;
    }
    leg.sentence = leg.refused ? "refused before any policy is asked: " + leg.refused->sentence : leg.explanation->sentence;
    return leg;
  }

  void add_scope() {
    const std::vector<std::string> names = scopes_needed(wanted_, world_.objects.server(wanted_.server));
    std::optional<Leg> first;
    for (const std::string& name : names) {
      Leg leg = leg_of(with_action(wanted_, Action::grant_scope, name));
      if (leg.allowed) return chain_.legs.push_back(std::move(leg));
      if (!first) first = std::move(leg);
    }
    if (!first) return;
    if (names.size() > 1) chain_.notes.push_back("any one of the scopes " + quoted_list(names) + " would do; none of them is granted");
    chain_.legs.push_back(std::move(*first));
  }

  void suggest() {
    const auto refused = std::find_if(chain_.legs.begin(), chain_.legs.end(), [](const Leg& leg) { return leg.refused.has_value(); });
    if (refused != chain_.legs.end()) {
      chain_.no_change = "no change of policy helps: " + refused->refused->sentence;
      return;
    }
    // The inquiries of scopes that have no leg live as long as the questions that point into them.
    std::vector<Inquiry> inquiries;
    for (const std::string& name : scopes_needed(wanted_, world_.objects.server(wanted_.server))) inquiries.push_back(with_action(wanted_, Action::grant_scope, name));
    if (wanted_.action == Action::grant_scope) inquiries.push_back(wanted_);
    WholeWay chain;
    const Inquiry connect = with_action(wanted_, Action::connect);
    if (auto question = question_of(connect, world_)) chain.connect = std::move(*question);
    for (const Inquiry& inquiry : inquiries) {
      if (auto question = question_of(inquiry, world_)) chain.scopes.push_back(std::move(*question));
    }
    if (is_use()) {
      if (auto question = question_of(last_, world_)) chain.use = std::move(*question);
    }
    auto found = find_smallest_change(chain, world_, bundle_, files_, who_);
    if (found) chain_.change = std::move(*found);
    else chain_.no_change = std::move(found).error().sentence;
  }

  void add_notes() {
    if (wanted_.action != Action::call || wanted_.arguments) return;
    const auto question = question_of(last_, world_);
    if (!question) return;
    const auto read = bundle_.policy->arguments_read(*question);
    if (!read || read->empty()) return;
    std::vector<std::string> names;
    for (const auto& [name, kept] : read->members) names.push_back(name);
    chain_.notes.push_back("asked without arguments, but policies for this tool read " + (names.empty() ? std::string("all of them") : quoted_list(names)) + ": say which call you mean with its arguments");
  }

  const Inquiry& wanted_;
  Inquiry last_;                // the same as the last leg asks it
  const World& world_;
  const Bundle& bundle_;
  const BundleFiles& files_;
  std::string who_;
  AccessChain chain_;
};

}  // namespace

std::optional<NoQuestion> find_refusal(const Inquiry& inquiry, const World& world) {
  const registry::Agent* agent = world.objects.agent(inquiry.agent);
  const registry::Server* server = world.objects.server(inquiry.server);
  if (!agent || !server || !agent->active || !server->active) return std::nullopt;   // question_of says it
  // Where this deployment's own IdP vouches, it refuses agents that it or the server's authorization server does not know.
  if (world.issuer.empty() || (!inquiry.issuer.empty() && inquiry.issuer != world.issuer)) return std::nullopt;
  if (!agent->idp) return NoQuestion{"agent_not_registered_at_idp", "agent `" + agent->id + "` has no registration at the identity provider (`idp:`), so nobody can sign in with it"};
  const registry::ResourceAs* audience = world.objects.resource_as(server->resource_as);
  if (audience && !audience->active) return NoQuestion{"audience_disabled", "the authorization server `" + audience->issuer + "` of `" + server->id + "` is disabled"};
  const registry::Registration* registration = world.objects.registration_at(*agent, server->resource_as);
  if (!registration || registration->client_id.empty()) {
    return NoQuestion{"client_not_registered_at_audience", "agent `" + agent->id + "` is not registered at `" + server->resource_as + "`, the authorization server of `" + server->id + "` (`resource_as:` of the agent)"};
  }
  const registry::TrustedIssuer* trusted = world.objects.trusted_issuer(world.issuer);
  if (!trusted) return std::nullopt;   // another organisation's authorization server
  if (!trusted->active) return NoQuestion{"issuer_disabled", "the trusted issuer `" + trusted->issuer + "` is disabled"};
  if (!trusted->all_clients && std::find(trusted->clients.begin(), trusted->clients.end(), agent->id) == trusted->clients.end()) {
    return NoQuestion{"client_not_allowed", "agent `" + agent->id + "` is not among the `clients` of the trusted issuer `" + trusted->issuer + "`"};
  }
  const bool has_ceiling = inquiry.action == Action::grant_scope && !trusted->all_scopes;
  if (has_ceiling && std::find(trusted->scope_ceiling.begin(), trusted->scope_ceiling.end(), inquiry.scope) == trusted->scope_ceiling.end()) {
    return NoQuestion{"above_ceiling", "scope `" + inquiry.scope + "` is above the `scope_ceiling` of the trusted issuer `" + trusted->issuer + "`"};
  }
  return std::nullopt;
}

AccessChain explain_access(const Inquiry& wanted, const World& world, const Bundle& bundle, const BundleFiles& files) { return Chainer(wanted, world, bundle, files).take(); }

}  // namespace writ::policy
