#include "token_service/resource_as/details.h"

#include <algorithm>

#include "oauth/authorization_details.h"
#include "policy/authorization_detail.h"
#include "policy/recorded_questions.h"

namespace writ::token_service::resource_as {
namespace {

bool has_type(const registry::Server& server, const json::Value& detail) {
  const auto& types = server.authorization_details_types;
  return std::find(types.begin(), types.end(), *detail.find_string("type")) != types.end();
}

// Whether the detail is about the chosen server; then its locations name that one alone, for the token is for no other.
Result<bool, Refusal> place(json::Value& detail, const ChosenServer& chosen) {
  const json::Array* locations = detail.find_array("locations");
  if (locations == nullptr) return has_type(*chosen.server, detail);
  for (const json::Value& location : *locations) {
    const auto is_there = [&](const registry::Server* server) { return server->resource == *location.as_string(); };
    if (std::none_of(chosen.granted.begin(), chosen.granted.end(), is_there)) return unexpected(Refusal::details_location_elsewhere);
  }
  if (std::find(locations->begin(), locations->end(), json::Value(chosen.server->resource)) == locations->end()) return false;
  if (!has_type(*chosen.server, detail)) return unexpected(Refusal::details_not_understood);
  detail.set("locations", json::Array{chosen.server->resource});
  return true;
}

Result<json::Array, Refusal> details_of_claim(const id_jag::IdJag& id_jag, const ChosenServer& chosen) {
  json::Array details;
  if (!id_jag.authorization_details) return details;
  std::vector<std::string> types;
  for (const registry::Server* server : chosen.granted) types.insert(types.end(), server->authorization_details_types.begin(), server->authorization_details_types.end());
  if (!oauth::check_authorization_details(*id_jag.authorization_details, types)) return unexpected(Refusal::details_not_understood);
  for (json::Value detail : *id_jag.authorization_details) {
    if (TRY(place(detail, chosen))) details.push_back(std::move(detail));
  }
  return details;
}

}  // namespace

Result<json::Array, Refusal> asked_details(const id_jag::IdJag& id_jag, const form::Parameters& parameters, const ChosenServer& chosen) {
  json::Array granted = TRY(details_of_claim(id_jag, chosen));
  const std::string* parameter = parameters.find("authorization_details");
  if (parameter == nullptr) return granted;
  auto asked = oauth::parse_authorization_details(*parameter);
  if (!asked || !oauth::check_authorization_details(*asked, chosen.server->authorization_details_types)) return unexpected(Refusal::details_parameter_malformed);
  for (const json::Value& one : *asked) {
    const auto has_it = [&](const json::Value& detail) { return oauth::covers(detail, one); };
    if (std::none_of(granted.begin(), granted.end(), has_it)) return unexpected(Refusal::details_parameter_not_granted);
  }
  return std::move(*asked);
}

json::Array permitted_details(json::Array asked, const policy::Question& connect, const policy::Policy& policy, bool has_decision_points, audit::Record& record) {
  std::vector<std::string> dropped;
  std::erase_if(asked, [&](const json::Value& detail) {
    const bool is_permitted = !has_decision_points && policy.decide(policy::detail_question(connect, detail)).allowed;
    if (!is_permitted) dropped.push_back(*detail.find_string("type"));
    return !is_permitted;
  });
  if (!dropped.empty()) record.more.emplace_back(policy::kDroppedDetails, policy::to_list(dropped));
  std::vector<std::string> granted;
  for (const json::Value& detail : asked) granted.push_back(*detail.find_string("type"));
  if (!granted.empty()) record.more.emplace_back(policy::kGrantedDetails, policy::to_list(granted));
  return asked;
}

}  // namespace writ::token_service::resource_as
