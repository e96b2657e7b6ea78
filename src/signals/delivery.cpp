#include "signals/delivery.h"

#include <algorithm>

namespace writ::signals {
namespace {

constexpr std::size_t kJtiMax = 255, kDescriptionMax = 200;
constexpr json::Limits kRequestLimits = {.bytes_max = 256 * 1024, .depth_max = 8, .members_max = 4'000};
constexpr json::Limits kResponseLimits = {.bytes_max = 4 << 20, .depth_max = 8, .members_max = 1'000};

bool is_jti(const std::string& text) { return !text.empty() && text.size() <= kJtiMax; }

}  // namespace

json::Value to_json(const DeliveryError& error) { return json::Value{{"err", error.code}, {"description", error.description}}; }

DeliveryError parse_delivery_error(const json::Value& value) {
  DeliveryError error;
  const auto* code = value.find_string("err");
  error.code = code && !code->empty() ? code->substr(0, kDescriptionMax) : "invalid_request";
  if (const auto* description = value.find_string("description")) error.description = description->substr(0, kDescriptionMax);
  return error;
}

Result<PollRequest, std::string> parse_poll_request(std::string_view body) {
  const auto wrong = [](std::string sentence) { return unexpected(std::move(sentence)); };
  const auto parsed = json::parse(body, kRequestLimits);
  if (!parsed || !parsed->is_object()) return wrong("the body must be one JSON object");
  PollRequest request;
  if (const auto* value = parsed->find("maxEvents")) {
    const auto* number = value->as_int();
    if (!number || *number < 0) return wrong("`maxEvents` must be a whole number, 0 or more");
    request.events_max = std::min(*number, PollRequest::kEventsMax);
  }
  if (const auto* value = parsed->find("returnImmediately")) {
    const auto* flag = value->as_bool();
    if (!flag) return wrong("`returnImmediately` must be true or false");
    request.return_immediately = *flag;
  }
  if (const auto* value = parsed->find("ack")) {
    const auto names = json::to_strings(*value);
    if (!names || !std::all_of(names->begin(), names->end(), is_jti)) return wrong("`ack` must be a list of `jti`s");
    request.acknowledged = *names;
  }
  if (const auto* value = parsed->find("setErrs")) {
    const auto* errors = value->as_object();
    if (!errors) return wrong("`setErrs` must be an object of `jti` to error");
    for (const json::Member& member : *errors) {
      if (!is_jti(member.name) || !member.value.is_object()) return wrong("`setErrs` must be an object of `jti` to error");
      request.refused.emplace(member.name, parse_delivery_error(member.value));
    }
  }
  return request;
}

json::Value to_json(const PollRequest& request) {
  json::Value value{{"maxEvents", request.events_max}, {"returnImmediately", request.return_immediately}};
  if (!request.acknowledged.empty()) value.set("ack", json::from_strings(request.acknowledged));
  if (!request.refused.empty()) {
    json::Object errors;
    for (const auto& [jti, error] : request.refused) errors.push_back({jti, to_json(error)});
    value.set("setErrs", std::move(errors));
  }
  return value;
}

json::Value to_json(const PollResponse& response) {
  json::Object sets;
  for (const auto& [jti, token] : response.sets) sets.push_back({jti, token});
  return json::Value{{"sets", std::move(sets)}, {"moreAvailable", response.more_available}};
}

Result<PollResponse, std::string> parse_poll_response(std::string_view body) {
  const auto parsed = json::parse(body, kResponseLimits);
  const json::Object* sets = parsed ? parsed->find_object("sets") : nullptr;
  if (!sets) return unexpected(std::string("the answer has no `sets`"));
  PollResponse response;
  for (const json::Member& member : *sets) {
    const auto* token = member.value.as_string();
    if (!token || !is_jti(member.name)) return unexpected(std::string("`sets` must be an object of `jti` to token"));
    response.sets.emplace_back(member.name, *token);
  }
  if (const auto* more = parsed->find_bool("moreAvailable")) response.more_available = *more;
  return response;
}

}  // namespace writ::signals
