#include "token_service/idp/authorization_details.h"

#include <algorithm>

#include "oauth/authorization_details.h"
#include "policy/authorization_detail.h"
#include "policy/recorded_questions.h"

namespace writ::token_service::idp {
namespace {

// Whether the detail is about this server: its locations say so, or it has none and the server knows the type.
bool is_about(const json::Value& detail, const registry::Server& server) {
  const auto& types = server.authorization_details_types;
  if (std::find(types.begin(), types.end(), *detail.find_string("type")) == types.end()) return false;
  const json::Array* locations = detail.find_array("locations");
  return locations == nullptr || std::find(locations->begin(), locations->end(), json::Value(server.resource)) != locations->end();
}

// Every location is one of these servers, and one that knows the type.
bool is_placed(const json::Value& detail, const std::vector<const registry::Server*>& servers) {
  const json::Array* locations = detail.find_array("locations");
  if (locations == nullptr) return true;
  return std::all_of(locations->begin(), locations->end(), [&](const json::Value& location) {
    return std::any_of(servers.begin(), servers.end(), [&](const registry::Server* server) { return server->resource == *location.as_string() && is_about(detail, *server); });
  });
}

}  // namespace

Result<json::Array, Refusal> asked_details(const form::Parameters& parameters, const std::vector<const registry::Server*>& servers) {
  const std::string* parameter = parameters.find("authorization_details");
  if (parameter == nullptr) return json::Array{};
  const auto no = [](std::string_view why) { return unexpected(refuse(Problem::authorization_details_invalid, std::string(why))); };
  auto asked = oauth::parse_authorization_details(*parameter);
  if (!asked) return no(oauth::to_string(asked.error()));
  std::vector<std::string> types;
  for (const registry::Server* server : servers) types.insert(types.end(), server->authorization_details_types.begin(), server->authorization_details_types.end());
  const auto checked = oauth::check_authorization_details(*asked, types);
  if (!checked) return no(oauth::to_string(checked.error()));
  for (const json::Value& detail : *asked)
    if (!is_placed(detail, servers)) return no("location_elsewhere");
  return std::move(*asked);
}

Result<json::Array, Refusal> permitted_details(json::Array asked, const std::vector<const registry::Server*>& servers, const std::vector<policy::Question>& connects, const policy::Policy& policy,
                                               const registry::Snapshot& snapshot, const Settings& settings, audit::Record& record) {
  if (asked.empty()) return asked;
  std::vector<std::string> dropped;
  std::optional<policy::Decision> denial;
  std::erase_if(asked, [&](const json::Value& detail) {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (!is_about(detail, *servers[i])) continue;
      policy::Decision decision = policy.decide(policy::detail_question(connects[i], detail));
      if (decision.allowed && snapshot.decision_points_for(servers[i]->id).empty()) continue;
      if (!denial) denial = decision.allowed ? policy::Decision{} : std::move(decision);
      dropped.push_back(*detail.find_string("type"));
      return true;
    }
    return false;
  });
  if (!dropped.empty()) record.more.emplace_back(policy::kDroppedDetails, policy::to_list(dropped));
  std::vector<std::string> granted;
  for (const json::Value& detail : asked) granted.push_back(*detail.find_string("type"));
  if (!granted.empty()) record.more.emplace_back(policy::kGrantedDetails, policy::to_list(granted));
  if (asked.empty()) return unexpected(refuse(*denial, settings));
  return asked;
}

}  // namespace writ::token_service::idp
