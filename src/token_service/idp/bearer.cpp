#include "token_service/idp/bearer.h"

#include "oauth/identifiers.h"
#include "token_service/idp/subject_token.h"

namespace writ::token_service::idp {
namespace {

Result<std::string, BearerProblem> bearer_token(const http::Request& request) {
  if (request.headers.count("Authorization") == 0) return unexpected(BearerProblem::none_given);
  const auto* field = request.headers.find_single("Authorization");
  if (!field) return unexpected(BearerProblem::malformed);
  const std::size_t space = field->find(' ');
  if (!http::equals_ignoring_case(std::string_view(*field).substr(0, space), "Bearer")) return unexpected(BearerProblem::none_given);
  if (space == std::string::npos || space + 1 == field->size()) return unexpected(BearerProblem::malformed);
  return field->substr(space + 1);
}

}  // namespace

http::Response challenge(BearerProblem problem) {
  const bool malformed = problem == BearerProblem::malformed;
  http::Response response = http::no_store(http::text(malformed ? 400 : 401, ""));
  std::string value = "Bearer realm=\"writ\"";
  if (malformed) value += ", error=\"invalid_request\"";
  else if (problem != BearerProblem::none_given) value += ", error=\"invalid_token\"";
  response.headers.set("WWW-Authenticate", std::move(value));
  return response;
}

Result<BearerSubject, BearerProblem> check_bearer(const Idp& idp, const registry::Snapshot& snapshot, const http::Request& request,
                                                  Instant now) {
  const std::string token = TRY(bearer_token(request));
  const auto keys = idp.keys.current();
  auto own = verify_own(token, oauth::kTypAccessToken, *keys, idp.settings, now);
  if (!own) {
    const bool forged_or_old = own.error() == OwnTokenProblem::signature || own.error() == OwnTokenProblem::times;
    return unexpected(forged_or_old ? BearerProblem::expired_or_forged : BearerProblem::not_ours);
  }
  const auto* client_id = own->claims.find_string("client_id");
  const auto* scope = own->claims.find_string("scope");
  if (!client_id || !scope || !has_single_audience(own->claims, idp.settings.userinfo_resource())) {
    return unexpected(BearerProblem::not_ours);
  }
  auto live = check_session_of(idp, snapshot, *own, now);
  if (!live) return unexpected(BearerProblem::revoked);
  const registry::Agent* agent = snapshot.agent_at_idp(*client_id);
  if (!agent || !agent->active) return unexpected(BearerProblem::revoked);
  return BearerSubject{std::move(*live), *client_id, *scope, agent};
}

}  // namespace writ::token_service::idp
