#include "credential_parts.h"

#include "adapters/yaml/yaml.h"
#include "log.h"
#include "parts.h"

namespace writ::writd {
namespace {

upstreams::LinkingPerson to_linking(PageAccounts::Person person) { return {std::move(person.user), std::move(person.session), std::move(person.peer)}; }

}  // namespace

Task<Result<upstreams::IssuedIdJag, upstreams::Failure>> IdpIdJags::issue(upstreams::IdJagWanted wanted) {
  token_service::idp::GatewayRequest request;
  request.gateway_agent = gateway_agent_;
  request.server = wanted.server, request.user = wanted.user, request.agent = wanted.agent;
  request.token_issuer = wanted.principal->issuer, request.session = wanted.principal->session;
  request.access_token_jti = wanted.principal->token_id, request.id_jag_jti = wanted.principal->id_jag_jti;
  auto issued = co_await token_service::idp::issue_for_gateway(idp_, std::move(request));
  if (issued) {
    upstreams::IssuedIdJag id_jag{Secret(std::move(issued->assertion)), issued->scope, issued->client_id};
    co_return id_jag;
  }
  const auto& refused = issued.error();
  co_return unexpected(upstreams::credential_failure("the identity provider gives no ID-JAG for server `" + wanted.server + "`: " + refused.reason +
                                                     (refused.denial_code.empty() ? "" : " (" + refused.denial_code + ")")));
}

std::string IdpIdJags::decided_on() const { return idp_.policy.get()->version() + " " + std::to_string(idp_.registry.get()->sequence()); }

std::vector<PageAccounts::Linked> PageAccounts::of(const std::string& user) const {
  std::vector<Linked> linked;
  for (const auto& account : accounts_->parts().store.of_user(user)) {
    if (account.state == upstreams::LinkedAccount::State::ending) continue;
    linked.push_back({account.server, account.label, account.linked, account.state == upstreams::LinkedAccount::State::linked});
  }
  return linked;
}

Task<Result<PageAccounts::Begun, PageAccounts::Refused>> PageAccounts::begin(std::shared_ptr<const registry::Snapshot> snapshot, std::string server, Person person) {
  upstreams::LinkingPerson who = to_linking(std::move(person));
  auto begun = co_await upstreams::begin_link(accounts_, std::move(snapshot), std::move(server), std::move(who));
  if (!begun) {
    Refused refused{begun.error().status, begun.error().told};
    co_return unexpected(std::move(refused));
  }
  Begun result{std::move(begun->location), std::move(begun->state), std::move(begun->sealed)};
  co_return result;
}

Task<Result<std::string, PageAccounts::Refused>> PageAccounts::finish(std::shared_ptr<const registry::Snapshot> snapshot, std::string server, form::Parameters answer, std::string sealed, Person person) {
  upstreams::LinkingPerson who = to_linking(std::move(person));
  auto finished = co_await upstreams::finish_link(accounts_, std::move(snapshot), std::move(server), std::move(answer), std::move(sealed), std::move(who));
  if (!finished) {
    Refused refused{finished.error().status, finished.error().told};
    co_return unexpected(std::move(refused));
  }
  co_return std::move(*finished);
}

Task<Result<bool, Unavailable>> PageAccounts::unlink(std::string server, Person person) {
  std::string user = std::move(person.user), peer = std::move(person.peer), reason = "unlinked";
  auto unlinked = co_await accounts_->unlink(std::move(user), std::move(server), std::move(reason), std::move(peer));
  co_return unlinked;
}

void CredentialParts::tick(const registry::Snapshot& snapshot, Instant now) {
  layer->tick();
  if (accounts) accounts->tick(snapshot, now);
}

Result<std::unique_ptr<CredentialParts>, std::string> build_credentials(Deployment::Parts& parts, upstreams::Upstream& below) {
  auto role = std::make_unique<CredentialParts>();
  const upstreams::ReadSecret read_secret = [](const std::string& file) { return yaml::read_secret_file(file, {}); };
  auto servers = std::make_shared<upstreams::AuthorizationServers>(parts.outgoing, read_secret);
  auto core = std::make_shared<upstreams::Core>(std::move(servers), parts.clock, *parts.revocations);
  if (parts.idp) {
    if (!parts.config.gateway.agent.empty()) role->id_jags = std::make_unique<IdpIdJags>(*parts.idp->idp, parts.config.gateway.agent);
    core->id_jags = role->id_jags.get();
    auto store = upstreams::LinkedAccounts::open(*parts.stores.documents, crypto::SealingKey(parts.stores.sealing_key));
    if (!store) return unexpected(std::string("cannot read the linked accounts: ") + store.error().what);
    role->store = std::move(*store);
    crypto::SealingKey for_browsers(derive_key(parts.stores.sealing_key, "linking accounts"));
    role->accounts = std::make_shared<upstreams::Accounts>(upstreams::Accounts::Parts{core, *role->store, *parts.stores.log, parts.remote_keys, std::move(for_browsers), parts.config.base_url + "/accounts",
                                                                                      [](const std::string& sentence) { log_warning(sentence); }});
    role->page_accounts = std::make_unique<PageAccounts>(role->accounts);
    role->page.reset(new token_service::idp::AccountsPage{*parts.idp->idp, *role->page_accounts, parts.config.base_url + "/accounts"});
    parts.public_routes.add_all(token_service::idp::account_routes(*role->page));
  }
  role->layer = std::make_unique<upstreams::Credentials>(below, std::move(core), read_secret, role->accounts);
  return role;
}

}  // namespace writ::writd
