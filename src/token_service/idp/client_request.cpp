#include "token_service/idp/client_request.h"

#include "token_service/pushed_authorization.h"

namespace writ::token_service::idp {
namespace {

Result<AuthorizationRequest, AuthorizationRefusal> check(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now) {
  return check_authorization_request(parameters, snapshot, idp.client_documents, now);
}

}  // namespace

Result<AuthorizationRequest, AuthorizationRefusal> check_client_request(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot, Arrival arrival, Instant now) {
  const auto* request_uri = parameters.find("request_uri");
  if (!request_uri || !is_pushed_request_uri(*request_uri)) {
    auto request = check(idp, parameters, snapshot, now);
    // RFC 9126 §6: what comes through the browser of such a client is somebody else's, or was changed on its way.
    if (request && request->registration->pushed_only) return unexpected(AuthorizationRefusal(redirected(*request, "invalid_request", "the requests of this client must be pushed")));
    return request;
  }
  const auto unknown = [] { return unexpected(AuthorizationRefusal(PageProblem::request_uri_unknown)); };
  const auto* client_id = parameters.find("client_id");
  if (!client_id || parameters.find_all("client_id").size() > 1 || parameters.find_all("request_uri").size() > 1) return unknown();
  const auto use = arrival == Arrival::begins ? PushedRequests::Use::begins : PushedRequests::Use::goes_on;
  const auto pushed = idp.pushed->find(*request_uri, *client_id, use, now);
  if (!pushed) return unknown();
  // The objects may have changed since it was pushed.
  auto request = check(idp, *pushed, snapshot, now);
  if (request) request->request_uri = *request_uri;
  return request;
}

Task<Result<void, Unavailable>> begin_pushed_request(const Idp& idp, const form::Parameters& parameters, Instant now) {
  const auto *request_uri = parameters.find("request_uri"), *client_id = parameters.find("client_id");
  if (!request_uri || !client_id || !is_pushed_request_uri(*request_uri)) co_return Result<void, Unavailable>{};
  auto beginning = idp.pushed->begin(*request_uri, *client_id, now);
  auto begun = co_await beginning;
  co_return begun;
}

Task<void> fetch_client_document(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now) {
  const auto* client_id = parameters.find("client_id");
  const auto* agent = client_id ? snapshot.agent_at_idp(*client_id) : nullptr;
  // Only for an address that an administrator registered: strangers make this server call nowhere.
  if (!idp.client_documents || !agent || !agent->active || !agent->idp || !agent->idp->metadata_document) co_return;
  auto fetching = idp.client_documents->find(agent->idp->client_id, now);
  static_cast<void>(co_await fetching);
}

std::optional<oauth::Error> check_pushed_request(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now) {
  const auto request = check(idp, parameters, snapshot, now);
  if (request) return std::nullopt;
  if (const auto* refused = std::get_if<RedirectedError>(&request.error())) return pushed_error(refused->error, refused->description);
  return pushed_error("invalid_request", explain(std::get<PageProblem>(request.error())));
}

}  // namespace writ::token_service::idp
