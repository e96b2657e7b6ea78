#include "token_service/idp/federation/group_overage.h"

#include "encoding/uri.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kFirstPage = "/v1.0/me/transitiveMemberOf/microsoft.graph.group?$select=id&$top=999";
constexpr int kPagesMax = 50;   // nobody is a member of fifty thousand groups
constexpr json::Limits kLimits = {.bytes_max = 1024 * 1024, .depth_max = 8, .members_max = 20'000};
constexpr const char* kNext = "@odata.nextLink";

struct Page {
  std::vector<std::string> groups;
  std::string next;   // empty: this is the last one
};

// A next page at another origin would be sent the person's token.
Result<Page, ExchangeProblem> read_page(const http::OutgoingResponse& response, const std::string& origin) {
  if (response.status != 200) return unexpected(ExchangeProblem::groups_status);
  const auto body = json::parse(response.body, kLimits);
  const auto* values = body ? body->find_array("value") : nullptr;
  if (!values) return unexpected(ExchangeProblem::malformed);
  Page page;
  for (const json::Value& value : *values) {
    const auto* id = value.find_string("id");
    if (!id) return unexpected(ExchangeProblem::malformed);
    page.groups.push_back(*id);
  }
  if (const json::Value* next = body->find(kNext)) {
    const auto* url = next->as_string();
    if (!url || !url->starts_with(origin + "/")) return unexpected(ExchangeProblem::malformed);
    page.next = *url;
  }
  return page;
}

}  // namespace

bool says_groups_are_elsewhere(const json::Value& claims, const std::string& claim) {
  const json::Value* names = claims.find("_claim_names");
  if (names && names->find(claim)) return true;
  return claims.find("hasgroups") != nullptr && claim == "groups";
}

Task<Result<std::vector<std::string>, ExchangeProblem>> fetch_groups(Federation& federation, std::string userinfo_endpoint, std::string access_token) {
  const auto endpoint = uri::parse(userinfo_endpoint);
  if (!endpoint) co_return unexpected(ExchangeProblem::malformed);
  const std::string origin = endpoint->origin();
  std::vector<std::string> groups;
  std::string url = origin + kFirstPage;
  for (int pages = 0; !url.empty(); ++pages) {
    if (pages == kPagesMax) co_return unexpected(ExchangeProblem::malformed);
    http::OutgoingRequest request;
    request.url = std::move(url);
    request.response_bytes_max = kLimits.bytes_max;
    request.headers.add("Accept", "application/json");
    request.headers.add("Authorization", "Bearer " + access_token);
    const auto response = co_await federation.outgoing.fetch(std::move(request));
    if (!response) co_return unexpected(ExchangeProblem::unreachable);
    auto page = read_page(*response, origin);
    if (!page) co_return unexpected(page.error());
    groups.insert(groups.end(), page->groups.begin(), page->groups.end());
    url = std::move(page->next);
  }
  co_return groups;
}

json::Value with_groups(json::Value claims, const std::string& claim, const std::vector<std::string>& groups) {
  claims.erase("_claim_names");
  claims.erase("_claim_sources");
  claims.erase("hasgroups");
  claims.set(claim, json::from_strings(groups));
  return claims;
}

}  // namespace writ::token_service::idp
