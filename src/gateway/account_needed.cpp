#include "gateway/account_needed.h"

#include "audit/record.h"

namespace writ::gateway {

http::Response account_needed(const Exchange& exchange, const std::string& url, const Settings& settings) {
  const std::string code = audit::denial_code(exchange.position);
  const std::string text = "The call was not made: the server works with an account of your user's own, and none is linked yet. Tell your user to open " + url + ", to sign in at " + settings.organisation +
                           " and to link the work account there. Once they say that it is done, the same call can be made again; before that it is of no use to retry. Reference: " + code + ".";
  json::Value object{{"code", code}, {"effect", "deny"}, {"kind", "account_needed"}, {"retryable", false}, {"alternatives", json::Array{}}, {"request_url", url}};
  json::Value body;
  if (exchange.message->method() == mcp::kToolsCall) {
    json::Value result{{"content", json::Array{json::Value{{"type", "text"}, {"text", text}}}}, {"isError", true}};
    if (exchange.era == mcp::Era::modern) result.set("resultType", "complete");
    json::Value meta = json::Object{};
    meta.set("writ/decision", std::move(object));
    result.set("_meta", std::move(meta));
    body = mcp::result_response(*exchange.message->id(), std::move(result));
  } else {
    body = mcp::error_response(exchange.message->id(), mcp::code::kDenied, text, std::move(object));
  }
  return http::no_store(http::json(200, json::write(body)));
}

}  // namespace writ::gateway
