// Would it be allowed, and by which rule: `writ can`.

#include <algorithm>

#include "admin/explanation_json.h"
#include "admin/handlers.h"
#include "registry/fields.h"

namespace writ::admin {
namespace {

using policy::Action;

struct Wanted {
  policy::Inquiry inquiry;
  bool knows_sign_in = false;   // the asker said something about how the person signed in
};

Result<Wanted, http::Response> read_wanted(const json::Value& body, Instant now) {
  const registry::Node root = registry::from_json(body);
  registry::Problems problems;
  registry::Fields fields(root, "a question", problems);
  Wanted wanted;
  policy::Inquiry& inquiry = wanted.inquiry;
  inquiry.user = fields.required_text("user");
  inquiry.agent = fields.required_text("agent");
  inquiry.server = fields.required_text("server");
  inquiry.scope = fields.text("scope");
  inquiry.tool = fields.text("tool");
  const std::string resource = fields.text("resource"), prompt = fields.text("prompt");
  if (int{!inquiry.tool.empty()} + int{!resource.empty()} + int{!prompt.empty()} > 1) fields.error(root.at, "write one of `tool`, `resource` and `prompt`");
  inquiry.action = !inquiry.tool.empty() ? Action::call : !resource.empty() ? Action::read_resource : !prompt.empty() ? Action::get_prompt : !inquiry.scope.empty() ? Action::grant_scope : Action::connect;
  inquiry.uri_or_prompt = resource + prompt;
  fields.find("arguments");
  if (const json::Value* arguments = body.find("arguments"); arguments && !arguments->is_null()) {
    if (!arguments->is_object()) fields.error(fields.at("arguments"), "`arguments` must be an object, as in a call");
    if (inquiry.action != Action::call) fields.error(fields.at("arguments"), "`arguments` belong to a `tool`");
    inquiry.arguments = *arguments;
  }
  inquiry.authentication.acr = fields.text("acr");
  inquiry.authentication.amr = fields.texts("amr");
  fields.find("age");
  if (const std::int64_t* age = body.find_int("age")) {
    if (*age < 0) fields.error(fields.at("age"), "`age` must be a number of seconds since the sign-in");
    inquiry.authentication.age = Seconds(*age);
  } else if (body.find("age")) {
    fields.error(fields.at("age"), "`age` must be a number of seconds since the sign-in");
  }
  wanted.knows_sign_in = !inquiry.authentication.acr.empty() || !inquiry.authentication.amr.empty() || body.find("age");
  inquiry.ip = fields.text("ip");
  inquiry.issuer = fields.text("issuer");
  inquiry.now = fields.instant("at").value_or(now);
  fields.finish();
  if (registry::has_errors(problems)) return unexpected(to_response(ChangeFailure{Invalid{std::move(problems)}}));
  return wanted;
}

bool reads_sign_in(const policy::AccessChain& chain) {
  const auto reads = [](const std::vector<policy::ExplainedPolicy>& policies) {
    return std::any_of(policies.begin(), policies.end(), [](const auto& policy) {
      return std::any_of(policy.parts.begin(), policy.parts.end(), [](const auto& part) { return part.text.find("context.auth.") != std::string::npos; });
    });
  };
  return std::any_of(chain.legs.begin(), chain.legs.end(), [&](const policy::Leg& leg) { return leg.explanation && (reads(leg.explanation->deciding) || reads(leg.explanation->near)); });
}

}  // namespace

Task<http::Response> explain_access(const Api& api, const Call& call) {
  auto body = read_body(call.request);
  if (!body) co_return std::move(body).error();
  auto wanted = read_wanted(*body, api.administration.clock().now());
  if (!wanted) co_return std::move(wanted).error();
  const auto catalogue = api.administration.catalogue();
  if (!catalogue->policy) co_return problem(404, "no policy is active", "everything is denied until one is");
  std::string version = catalogue->policy->hash;
  const auto active = co_await api.administration.past().policy(std::move(version));
  if (!active || !*active) co_return unavailable();
  const auto snapshot = api.administration.snapshot();
  json::Value answered;
  std::function<void()> explaining = [&] {
    const auto tools = api.administration.tools_of(*snapshot);
    const policy::World world{*snapshot, *tools, api.administration.issuer()};
    policy::AccessChain chain = policy::explain_access(wanted->inquiry, world, (*active)->bundle, (*active)->files);
    if (!wanted->knows_sign_in && reads_sign_in(chain)) chain.notes.push_back("asked without knowing how and when the person signed in: say `acr`, `amr` and `age` to ask with them");
    answered = to_json(chain);
    answered.set("policy_version", (*active)->bundle.version);
    answered.set("object_sequence", static_cast<std::int64_t>(snapshot->sequence()));
  };
  co_await api.administration.worker().run(std::move(explaining));
  co_return answer(std::move(answered));
}

}  // namespace writ::admin
