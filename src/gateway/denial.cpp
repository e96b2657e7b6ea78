#include "gateway/denial.h"

#include <cctype>

namespace writ::gateway {
namespace {

constexpr std::string_view kMetaDecision = "writ/decision";

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ", ";
    text += part;
  }
  return text;
}

std::string text_for_agent(const Verdict& verdict, const std::string& code, const Settings& settings) {
  std::string text = "Denied by " + settings.organisation + ". ";
  if (const std::string& message = verdict.decision.message; !message.empty()) text += message + (std::ispunct(static_cast<unsigned char>(message.back())) ? " " : ". ");
  text += "This is a policy decision: do not retry it. ";
  if (!verdict.decision.alternatives.empty()) text += "Allowed instead: " + joined(verdict.decision.alternatives) + ". ";
  text += "Reference: " + code + ".";
  return text;
}

}  // namespace

json::Value denial_object(const Verdict& verdict, const std::string& code, const Settings& settings) {
  json::Value object{{"code", code},
                     {"effect", "deny"},
                     {"kind", verdict.reason},
                     {"policy", joined(verdict.decision.policies)},
                     {"retryable", false},
                     {"alternatives", json::from_strings(verdict.decision.alternatives)}};
  if (!settings.why_url.empty()) object.set("request_url", settings.why_url + "/" + code);
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
  return http::no_store(http::json(as_status ? 403 : 200, json::write(body)));
}

}  // namespace writ::gateway
