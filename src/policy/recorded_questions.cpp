#include "policy/recorded_questions.h"

#include <algorithm>

#include "policy/recorded_arguments.h"
#include "registry/fields.h"

namespace writ::policy {
namespace {

constexpr std::string_view kCut = "…";   // how a record marks a text that was too long for it

std::string text_of(const json::Value& record, std::string_view member) {
  const std::string* text = record.find_string(member);
  return text ? *text : std::string();
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Inquiry inquiry_of(const json::Value& record, Action action) {
  Inquiry inquiry;
  inquiry.action = action;
  inquiry.user = text_of(record, "user");
  inquiry.agent = text_of(record, "agent");
  inquiry.server = text_of(record, "server");
  inquiry.agent_authentication = text_of(record, "agent_authentication");
  inquiry.authentication.acr = text_of(record, "acr");
  inquiry.authentication.amr = split(text_of(record, "amr"), ',');
  if (const auto* age = record.find_int("authentication_age_s"); age && *age >= 0) inquiry.authentication.age = Seconds(*age);
  inquiry.ip = text_of(record, "peer");
  inquiry.issuer = text_of(record, "issuer");
  inquiry.now = registry::parse_instant(text_of(record, "time")).value_or(Instant{});
  return inquiry;
}

void read_call(const json::Value& record, RecordedQuestion& question) {
  Inquiry& inquiry = question.inquiry;
  std::string subject = text_of(record, "tool");
  if (inquiry.action == Action::call) inquiry.tool = std::move(subject);
  else inquiry.uri_or_prompt = std::move(subject);
  const json::Value* kept = record.find("arguments");
  auto arguments = kept ? read_recorded_arguments(*kept) : std::nullopt;
  if (!arguments) return;
  inquiry.arguments = std::move(arguments->known);
  question.arguments_recorded = std::move(arguments->recorded);
  question.arguments_not_kept = std::move(arguments->unknown);
}

// Connecting, and each scope that was put to policy.
void read_token_leg(const json::Value& record, Action last, RecordedQuestions& recorded) {
  const bool connected = last == Action::grant_scope;
  recorded.questions.push_back({inquiry_of(record, Action::connect), connected, {}, {}});
  if (!connected) return;
  const auto dropped = split(text_of(record, kDroppedScopes), ','), above = split(text_of(record, kScopesAboveCeiling), ',');
  const auto is_in = [](const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  const auto add = [&](const std::string& scope, bool allowed) {
    RecordedQuestion question{inquiry_of(record, Action::grant_scope), allowed, {}, {}};
    question.inquiry.scope = scope;
    recorded.questions.push_back(std::move(question));
  };
  for (const std::string& scope : split(text_of(record, "scope"), ' ')) {
    if (!is_in(dropped, scope) && !is_in(above, scope)) add(scope, true);
  }
  for (const std::string& scope : dropped) add(scope, false);
}

}  // namespace

std::string to_list(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + name;
  return list;
}

void record_question(const Question& question, audit::Record& record) {
  record.action = std::string(to_string(question.action));
  record.acr = question.authentication.acr;
  record.amr = to_list(question.authentication.amr);
  if (question.authentication.age < Authentication{}.age) record.authentication_age_s = question.authentication.age.count();
  record.issuer = question.issuer;
  const auto has_member = [&](const auto& member) { return member.first == "agent_authentication"; };
  if (std::none_of(record.more.begin(), record.more.end(), has_member)) record.more.emplace_back("agent_authentication", question.agent.authentication);
}

void record_arguments_of(const Question& question, const Policy& policy, audit::Record& record) {
  if (question.action != Action::call || !question.arguments) return;
  const auto read = policy.arguments_read(question);
  if (read && !read->empty()) record.arguments = record_arguments(*question.arguments, *read);
}

std::optional<RecordedQuestions> read_recorded_questions(const json::Value& record) {
  const auto action = parse_action(text_of(record, "action"));
  const std::string event = text_of(record, "event");
  if (!action || text_of(record, "user").empty() || text_of(record, "agent").empty() || text_of(record, "server").empty()) return std::nullopt;
  RecordedQuestions recorded;
  recorded.policy_version = text_of(record, "policy_version");
  if (const auto* sequence = record.find_int("object_sequence"); sequence && *sequence > 0) recorded.object_sequence = static_cast<std::uint64_t>(*sequence);
  if (event == "id_jag" || event == "access_token") {
    read_token_leg(record, *action, recorded);
  } else if (event == "call") {
    RecordedQuestion question{inquiry_of(record, *action), text_of(record, "effect") == "allow" || text_of(record, "reason") == "insufficient_scope", {}, {}};
    read_call(record, question);
    recorded.questions.push_back(std::move(question));
  } else {
    return std::nullopt;
  }
  for (const char* member : {"tool", "scope", "amr", "issuer", kDroppedScopes, kScopesAboveCeiling}) {
    if (text_of(record, member).ends_with(kCut)) recorded.is_whole = false;
  }
  if (record.find(kSeveralResources)) recorded.is_whole = false;
  return recorded;
}

}  // namespace writ::policy
