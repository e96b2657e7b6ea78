// Reading the audit trail.

#include <charconv>

#include "admin/handlers.h"
#include "admin/why.h"
#include "audit/record.h"
#include "audit/record_name.h"
#include "registry/fields.h"

namespace writ::admin {
namespace {

constexpr std::uint64_t kWaitSecondsMax = 25;   // shorter than what proxies between allow

template <class Number>
bool read_number(const std::optional<std::string>& text, Number& number) {
  if (!text) return true;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
  return failed == std::errc{} && end == text->data() + text->size();
}

// A time, or how long ago: 2026-11-24T00:00:00Z, 7d.
bool read_time(const std::optional<std::string>& text, Instant now, std::optional<Instant>& time) {
  if (!text) return true;
  if (const auto ago = registry::parse_duration(*text)) {
    time = now - *ago;
  } else {
    time = registry::parse_instant(*text);
  }
  return time.has_value();
}

json::Value to_value(const audit::StoredRecord& record) {
  auto line = json::parse(record.json_line);
  return line ? std::move(line).value() : json::Value{{"position", static_cast<std::int64_t>(record.position)}, {"unreadable", true}};
}

http::Response records_answer(const std::vector<audit::StoredRecord>& records) {
  json::Array items;
  for (const auto& record : records) items.push_back(to_value(record));
  return answer(json::Value{{"items", std::move(items)}});
}

std::string text_of(const json::Value& record, std::string_view member) {
  const std::string* text = record.find_string(member);
  return text ? *text : std::string();
}

}  // namespace

Task<http::Response> query_audit(const Api& api, const Call& call) {
  audit::Query query;
  const Instant now = api.administration.clock().now();
  const std::pair<const char*, std::string*> texts[] = {
      {"user", &query.user}, {"agent", &query.agent}, {"server", &query.server}, {"tool", &query.tool}, {"effect", &query.effect},
      {"event", &query.event}, {"id_jag_jti", &query.id_jag_jti}, {"access_token_jti", &query.access_token_jti}, {"text", &query.text}};
  for (const auto& [name, value] : texts) *value = call.query(name).value_or("");
  std::uint64_t wait = 0;
  const bool good = read_number(call.query("limit"), query.limit) && read_number(call.query("before"), query.before_position) && read_number(call.query("after"), query.after_position) &&
                    read_number(call.query("wait"), wait) && read_time(call.query("since"), now, query.since) && read_time(call.query("until"), now, query.until);
  if (!good || query.limit == 0 || query.limit > 1000) {
    co_return problem(400, "a parameter is not understood", "`limit` is between 1 and 1000; `before`, `after` and `wait` are numbers; times are 2026-11-24T16:45:00Z or an age such as 7d");
  }
  // People ask for people by name; records know them by id.
  const auto snapshot = api.administration.snapshot();
  if (const auto* user = snapshot->user_by_name(query.user)) query.user = user->id;

  for (std::uint64_t waited = 0;; ++waited) {
    auto records = co_await api.administration.reader().query(query);
    if (!records) co_return unavailable();
    if (!records->empty() || !api.pause || call.request.client_gone == nullptr || waited >= std::min(wait, kWaitSecondsMax)) co_return records_answer(*records);
    co_await api.pause(Milliseconds{1000});
    if (call.request.client_gone->is_requested()) co_return records_answer({});
  }
}

Task<http::Response> explain_denial(const Api& api, const Call& call) {
  const auto position = audit::parse_denial_code(call.arguments.at(0));
  if (!position) co_return problem(400, "this is no denial code", "codes look like W-7K2F-9Q; one of its characters is wrong");
  const auto found = co_await api.administration.reader().at(audit::record_name(position->node, position->position));
  if (!found) co_return unavailable();
  // A code names a denial; that a position exists with something else at it is nobody's business.
  const json::Value record = *found ? to_value(**found) : json::Value();
  if (text_of(record, "effect") != "deny") co_return problem(404, "no denial has this code");
  json::Array chain;
  for (const char* member : {"id_jag_jti", "access_token_jti"}) {
    const std::string jti = text_of(record, member);
    if (jti.empty()) continue;
    audit::Query query;
    (std::string_view(member) == "id_jag_jti" ? query.id_jag_jti : query.access_token_jti) = jti;
    query.limit = 20;
    const auto related = co_await api.administration.reader().query(query);
    if (!related) co_return unavailable();
    for (auto row = related->rbegin(); row != related->rend(); ++row) {
      const json::Value value = to_value(*row);
      if (row->position != (*found)->position && std::find(chain.begin(), chain.end(), value) == chain.end()) chain.push_back(value);
    }
  }
  json::Value subject = record;
  auto explanation = co_await explain_record(api.administration, std::move(subject));
  if (!explanation) co_return unavailable();
  co_return answer(json::Value{{"record", record}, {"explanation", std::move(*explanation)}, {"chain", std::move(chain)}});
}

}  // namespace writ::admin
