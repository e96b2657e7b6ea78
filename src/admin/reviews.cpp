// The review inbox of the admin API.

#include "admin/definition_review.h"
#include "admin/handlers.h"

namespace writ::admin {

using namespace registry;

namespace {

// {items: [{kind, id, digest}], reason}
Result<Change, http::Response> read_judgement(const Call& call, Judgement judgement) {
  const json::Value body = TRY(read_body(call.request));
  const Node root = from_json(body);
  Problems problems;
  Fields fields(root, "a request", problems);
  std::vector<Reviewed> reviewed;
  for (const Node& item : fields.list("items")) {
    Fields at(item, "an item", problems);
    Reviewed one;
    const std::string kind = at.required_text("kind");
    const auto parsed = parse_collection(kind);
    if (parsed && is_definition(*parsed)) one.kind = *parsed;
    else if (!kind.empty()) at.error(at.at("kind"), "`kind` must be `tools`, `prompts` or `instructions`");
    one.id = at.required_text("id");
    one.digest = at.required_text("digest");
    at.finish();
    reviewed.push_back(std::move(one));
  }
  if (reviewed.empty()) fields.error(fields.at("items"), "`items` must name what was looked at: [{kind, id, digest}]");
  Change change;
  change.reason = fields.text("reason");
  fields.finish();
  if (has_errors(problems)) return unexpected(to_response(ChangeFailure{Invalid{std::move(problems)}}));
  change.declare = [reviewed = std::move(reviewed), judgement](const Catalogue& present) { return judge(present, reviewed, judgement); };
  return change;
}

Task<http::Response> carry_out(const Api& api, const Call& call, Judgement judgement) {
  auto change = read_judgement(call, judgement);
  if (!change) co_return std::move(change).error();
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(*change));
  if (!changed) co_return to_response(changed.error());
  co_return answer(json::Value{{"judged", static_cast<std::int64_t>(changed->plan.changes.size())}, {"sequence", static_cast<std::int64_t>(changed->sequence)}});
}

}  // namespace

Task<http::Response> list_reviews(const Api& api, const Call& call) {
  const auto catalogue = api.administration.catalogue();
  const auto rejected = call.query("rejected");
  co_return answer(inbox(*catalogue, call.query("server").value_or(""), rejected && *rejected == "true"));
}
Task<http::Response> approve_reviews(const Api& api, const Call& call) { return carry_out(api, call, Judgement::approve); }
Task<http::Response> reject_reviews(const Api& api, const Call& call) { return carry_out(api, call, Judgement::reject); }

}  // namespace writ::admin
