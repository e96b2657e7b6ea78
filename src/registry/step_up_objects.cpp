#include "registry/step_up_objects.h"

#include <algorithm>

#include "encoding/uri.h"

namespace writ::registry {
namespace {

constexpr std::int64_t kStrengthMax = 1'000'000;
constexpr std::int64_t kMaxAgeSecondsMax = 365 * 24 * 3600;
constexpr std::int64_t kTimeoutMsMin = 10, kTimeoutMsMax = 10'000;   // a call waits for the answer

// One word of a space-separated list, and safe inside a quoted string of a header field.
bool is_acr(std::string_view text) {
  return text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char letter) { return letter > 0x20 && letter < 0x7F && letter != '"' && letter != '\\'; });
}

bool is_field_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void set_texts(json::Value& out, std::string_view name, const std::vector<std::string>& texts) {
  if (!texts.empty()) out.set(name, json::from_strings(texts));
}
void set_text(json::Value& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.set(name, text);
}

}  // namespace

AuthenticationLevel read_authentication_level(const Node& node, Reading& reading) {
  Fields fields(node, "an authentication level", reading.problems);
  AuthenticationLevel level;
  level.id = fields.required_text("id");
  level.strength = fields.integer("strength", 0, 1, kStrengthMax);
  if (!fields.has("strength") && node.kind == Node::Kind::mapping) {
    fields.error(node.at, "an authentication level needs `strength`: a number that orders the levels, the weakest has the lowest");
  }
  level.acr = fields.text("acr");
  level.expected_acr = fields.text("expected_acr");
  level.expected_amr = fields.texts("expected_amr");
  if (fields.has("max_age")) level.max_age_seconds = fields.duration("max_age", Seconds{0}, Seconds{1}, Seconds{kMaxAgeSecondsMax}).count();
  fields.finish();
  return level;
}

DecisionPoint read_decision_point(const Node& node, Reading& reading) {
  Fields fields(node, "a decision point", reading.problems);
  DecisionPoint point;
  point.id = fields.required_text("id");
  point.display_name = fields.text("display_name");
  point.active = fields.flag("active", true);
  point.url = fields.required_text("url");
  if (const Node* header = fields.find("header")) {
    Fields credential(*header, "`header`", reading.problems);
    point.header_name = credential.required_text("name");
    point.header_secret_file = credential.required_text("secret_file");
    credential.finish();
  }
  point.timeout_ms = fields.integer("timeout_ms", point.timeout_ms, kTimeoutMsMin, kTimeoutMsMax);
  point.servers = fields.texts_or_all("servers", point.all_servers);
  fields.finish();
  return point;
}

json::Value write(const AuthenticationLevel& level) {
  json::Value out = json::Object{};
  set_text(out, "id", level.id);
  out.set("strength", level.strength);
  set_text(out, "acr", level.acr);
  set_text(out, "expected_acr", level.expected_acr);
  set_texts(out, "expected_amr", level.expected_amr);
  if (level.max_age_seconds) out.set("max_age", *level.max_age_seconds);
  return out;
}

json::Value write(const DecisionPoint& point) {
  json::Value out = json::Object{};
  set_text(out, "id", point.id);
  set_text(out, "display_name", point.display_name);
  if (!point.active) out.set("active", false);
  set_text(out, "url", point.url);
  if (!point.header_name.empty()) out.set("header", json::Value{{"name", point.header_name}, {"secret_file", point.header_secret_file}});
  if (point.timeout_ms != DecisionPoint().timeout_ms) out.set("timeout_ms", point.timeout_ms);
  if (point.all_servers) out.set("servers", "all");
  else set_texts(out, "servers", point.servers);
  return out;
}

MemberProblems problems_of(const AuthenticationLevel& level) {
  MemberProblems problems;
  if (!is_acr(level.acr)) problems.emplace_back("acr", "`acr` is one word of printable ASCII without quotes, for example `urn:example:acr:mfa`");
  if (!is_acr(level.expected_acr)) problems.emplace_back("expected_acr", "`expected_acr` is one word of printable ASCII without quotes");
  if (level.acr.empty() && !level.max_age_seconds) problems.emplace_back("", "a level that asks for nothing helps nobody: write `acr`, `max_age` or both");
  // What is not asked for is not delivered: such a level would be offered and would not help.
  if (level.acr.empty() && !(level.expected_acr.empty() && level.expected_amr.empty())) {
    problems.emplace_back("acr", "`expected_acr` and `expected_amr` need `acr`: what is asked for so that they come back");
  }
  return problems;
}

MemberProblems problems_of(const DecisionPoint& point) {
  MemberProblems problems;
  const auto parsed = uri::parse(point.url);
  // Who is about to do what goes over this connection, and the answer decides.
  if (!parsed || !uri::is_secure_or_loopback(*parsed) || parsed->fragment || parsed->query || parsed->has_userinfo || point.url.ends_with('/')) {
    problems.emplace_back("url", "`url` must be an https URL (http only on loopback) without query, fragment and closing slash");
  }
  if (!point.header_name.empty() && !is_field_name(point.header_name)) problems.emplace_back("header/name", "`name` must be the name of a header field");
  return problems;
}

}  // namespace writ::registry
