#include "gateway/denial.h"

#include <algorithm>
#include <cctype>

#include "audit/record.h"
#include "gateway/held_call.h"
#include "mcp/sse.h"

namespace writ::gateway {
namespace {

constexpr std::string_view kMetaDecision = "writ/decision";
constexpr std::string_view kOwnEventId = "writ:";

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ", ";
    text += part;
  }
  return text;
}

bool is_held(const Verdict& verdict) { return verdict.outcome == Verdict::Outcome::held; }

// A tool that waits for review and one that nobody may use answer alike (rules §4.5).
std::string shown_kind(const Verdict& verdict) {
  return verdict.reason == kNotReviewed ? std::string(policy::to_string(policy::Kind::no_permit)) : verdict.reason;
}

// A sentence of somebody else's, as one of ours.
std::string sentence(const std::string& text) {
  if (text.empty()) return "";
  return text + (std::ispunct(static_cast<unsigned char>(text.back())) ? " " : ". ");
}

std::string request_url(const Verdict& verdict, const std::string& code, const Settings& settings) {
  if (is_held(verdict) && !settings.approvals_url.empty()) return settings.approvals_url + "/" + verdict.approval;
  return settings.why_url.empty() ? "" : settings.why_url + "/" + code;
}

std::vector<std::string> approvers(const Verdict& verdict) {
  std::vector<std::string> groups;
  for (const auto& need : verdict.decision.approvals) {
    if (std::find(groups.begin(), groups.end(), need.group) == groups.end()) groups.push_back(need.group);
  }
  return groups;
}

std::string held_text(const Verdict& verdict, const std::string& code, const Settings& settings) {
  const bool is_full = settings.denials == Settings::Denials::full;
  std::string text = "Held for approval by " + settings.organisation + ". The call was not made yet: ";
  std::string groups;
  for (const std::string& group : approvers(verdict)) groups += (groups.empty() ? "a member of `" : " and a member of `") + group + "`";
  text += (is_full ? groups : std::string("a person")) + " has to approve it first. ";
  if (is_full) text += sentence(verdict.decision.message);
  text += "Tell your user that it waits as " + verdict.approval;
  if (const std::string url = request_url(verdict, code, settings); !url.empty()) text += "; an approver finds it at " + url;
  text += ". To make it once it is approved, call the same tool again with exactly the same arguments, at the earliest in " + std::to_string(kRetryAfterSeconds) +
          " seconds; with other arguments it is another call and needs another approval. ";
  if (verdict.approval_expires) text += "The request ends at " + audit::to_iso8601(*verdict.approval_expires) + ". ";
  return text + "Reference: " + code + ".";
}

// What a denial of one of these reasons says instead of the general advice.
std::string_view advice(std::string_view reason) {
  if (reason == "approval_rejected") return "An approver looked at this call and declined it: do not retry it. ";
  if (reason == "approval_used") return "It was approved once and has been made once: do not retry it. ";
  if (reason == "too_many_calls_pending" || reason == "too_many_calls_pending_in_all") return "It needs approval, and too many calls wait for approval already: let your user have those decided first. ";
  if (reason == "arguments_too_large_for_approval") return "It needs approval, and its arguments are too large for a person to judge: make smaller calls. ";
  return "This is a policy decision: do not retry it. ";
}

std::string text_for_agent(const Verdict& verdict, const std::string& code, const Settings& settings) {
  if (is_held(verdict)) return held_text(verdict, code, settings);
  std::string text = "Denied by " + settings.organisation + ". ";
  if (settings.denials == Settings::Denials::code_only && verdict.retry_after_seconds == 0) return text + "This is a policy decision: do not retry it. Reference: " + code + ".";
  text += sentence(verdict.decision.message);
  if (verdict.retry_after_seconds > 0) text += "A limit is reached: try again in " + std::to_string(verdict.retry_after_seconds) + " seconds. ";
  else text += advice(verdict.reason);
  if (!verdict.decision.alternatives.empty()) text += "Allowed instead: " + joined(verdict.decision.alternatives) + ". ";
  text += "Reference: " + code + ".";
  return text;
}

}  // namespace

json::Value denial_object(const Verdict& verdict, const std::string& code, const Settings& settings) {
  const bool is_full = settings.denials == Settings::Denials::full;
  json::Value object{{"code", code}, {"effect", "deny"}, {"kind", is_full || is_held(verdict) ? shown_kind(verdict) : std::string("denied")}};
  if (is_full) object.set("policy", joined(verdict.decision.policies));
  object.set("retryable", is_held(verdict) || verdict.retry_after_seconds > 0);
  if (verdict.retry_after_seconds > 0) object.set("retry_after_seconds", verdict.retry_after_seconds);
  if (is_held(verdict)) {
    object.set("retry_after_seconds", kRetryAfterSeconds);
    object.set("approval", verdict.approval);
    if (is_full) object.set("approvers", json::from_strings(approvers(verdict)));
    if (verdict.approval_expires) object.set("expires", audit::to_iso8601(*verdict.approval_expires));
  }
  if (is_full) object.set("alternatives", json::from_strings(verdict.decision.alternatives));
  if (std::string url = request_url(verdict, code, settings); !url.empty()) object.set("request_url", std::move(url));
  return object;
}

http::Response render_denial(const Verdict& verdict, const std::string& code, const mcp::Message* message, mcp::Era era, const Settings& settings) {
  json::Value object = denial_object(verdict, code, settings);
  const std::string text = text_for_agent(verdict, code, settings);
  const bool has_id = message && message->kind() == mcp::Message::Kind::request;
  const bool as_status = !has_id || settings.denied_calls == Settings::DeniedCalls::http_403;
  json::Value body;
  if (has_id && !as_status && message->method() == mcp::kToolsCall) {
    json::Value result{{"content", json::Array{json::Value{{"type", "text"}, {"text", text}}}}, {"isError", true}};
    if (era == mcp::Era::modern) result.set("resultType", "complete");
    json::Value meta = json::Object{};
    meta.set(kMetaDecision, std::move(object));
    result.set("_meta", std::move(meta));
    body = mcp::result_response(*message->id(), std::move(result));
  } else {
    body = mcp::error_response(has_id ? message->id() : std::nullopt, mcp::code::kDenied, text, std::move(object));
  }
  // A limit is told by HTTP where it is not told to a model.
  const bool is_limit = verdict.retry_after_seconds > 0, is_call = has_id && message->method() == mcp::kToolsCall;
  http::Response response = http::no_store(http::json(is_limit && (as_status || !is_call) ? 429 : as_status ? 403 : 200, json::write(body)));
  if (response.status == 429) response.headers.add("Retry-After", std::to_string(verdict.retry_after_seconds));
  return response;
}

http::Response as_events(http::Response response, const std::string& code) {
  mcp::Event place, answer;
  place.id = std::string(kOwnEventId) + code;
  place.has_data = answer.has_data = true;
  answer.data = std::move(response.body);
  response.body.clear();
  mcp::append_event(response.body, place);
  mcp::append_event(response.body, answer);
  response.headers.set("Content-Type", "text/event-stream");
  return response;
}

bool is_own_event_id(std::string_view id) { return id.starts_with(kOwnEventId); }

}  // namespace writ::gateway
