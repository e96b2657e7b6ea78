#include "token_service/idp/refusal.h"

#include "token_service/step_up_error.h"

namespace writ::token_service::idp {
namespace {

struct Said {
  std::string_view reason;
  oauth::ErrorCode code;
  const char* description;
};

constexpr const char* kSubject = "the subject token is not accepted";
constexpr const char* kCode = "the authorization code is not accepted";
constexpr const char* kRefresh = "the refresh token is not accepted";
constexpr const char* kTarget = "the audience or resource is unknown, or they do not belong together";
constexpr const char* kDevice = "the device key is not accepted";

// Descriptions are the same for all ways to fail in one area: who probes learns nothing about which check stopped him (T11).
Said said(Problem problem) {
  using enum oauth::ErrorCode;
  switch (problem) {
    case Problem::missing_parameter: return {"missing_parameter", invalid_request, "a required parameter is missing"};
    case Problem::requested_token_type_unsupported:
      return {"requested_token_type_unsupported", invalid_request, "requested_token_type must be urn:ietf:params:oauth:token-type:id-jag"};
    case Problem::subject_token_type_unsupported:
      return {"subject_token_type_unsupported", invalid_request, "subject_token_type must be id_token, refresh_token or saml2"};
    case Problem::actor_token_present: return {"actor_token_present", invalid_request, "actor_token is not supported"};
    case Problem::authorization_details_invalid:
      return {"authorization_details_invalid", invalid_authorization_details, "authorization_details is malformed or not understood for this resource"};

    case Problem::subject_token_malformed: return {"subject_token_malformed", invalid_grant, kSubject};
    case Problem::subject_token_wrong_type: return {"subject_token_wrong_type", invalid_grant, kSubject};
    case Problem::subject_token_signature: return {"subject_token_signature", invalid_grant, kSubject};
    case Problem::subject_token_issuer: return {"subject_token_issuer", invalid_grant, kSubject};
    case Problem::subject_token_audience: return {"subject_token_audience", invalid_grant, kSubject};
    case Problem::subject_token_times: return {"subject_token_times", invalid_grant, kSubject};
    case Problem::subject_token_revoked: return {"subject_token_revoked", invalid_grant, kSubject};
    case Problem::subject_token_before_not_before: return {"subject_token_before_not_before", invalid_grant, kSubject};
    case Problem::subject_token_too_old: return {"subject_token_too_old", invalid_grant, kSubject};
    case Problem::subject_not_admitted: return {"subject_not_admitted", invalid_grant, kSubject};
    case Problem::subject_token_other_user: return {"subject_token_other_user", invalid_grant, kSubject};
    case Problem::subject_of_another_device_user: return {"subject_of_another_device_user", invalid_grant, kSubject};

    case Problem::agent_disabled: return {"agent_disabled", unauthorized_client, "this client is disabled"};
    case Problem::device_key_required:
      return {"device_key_required", unauthorized_client, "this client must authenticate with the key of its device"};
    case Problem::device_key_mismatch: return {"device_key_mismatch", invalid_grant, kRefresh};

    case Problem::several_audiences: return {"several_audiences", invalid_target, "name exactly one audience"};
    case Problem::audience_is_this_idp: return {"audience_is_this_idp", invalid_target, kTarget};
    case Problem::audience_unknown: return {"audience_unknown", invalid_target, kTarget};
    case Problem::audience_disabled: return {"audience_disabled", invalid_target, kTarget};
    case Problem::client_not_registered_at_audience:
      return {"client_not_registered_at_audience", invalid_target, "this client is not registered at the audience"};
    case Problem::several_resources: return {"several_resources", invalid_target, "name fewer resources"};
    case Problem::resource_malformed: return {"resource_malformed", invalid_target, kTarget};
    case Problem::resource_unknown: return {"resource_unknown", invalid_target, kTarget};
    case Problem::resource_of_another_audience: return {"resource_of_another_audience", invalid_target, kTarget};
    case Problem::resource_not_determined: return {"resource_not_determined", invalid_target, "name the resource"};
    case Problem::server_disabled: return {"server_disabled", invalid_target, kTarget};
    case Problem::subject_not_available:
      return {"subject_not_available", invalid_target, "this person has no identifier that the audience expects"};

    case Problem::scope_malformed: return {"scope_malformed", invalid_scope, "the scope parameter is malformed"};
    case Problem::scope_wider_than_granted:
      return {"scope_wider_than_granted", invalid_scope, "a refresh cannot ask for more than was granted"};
    case Problem::no_scope_granted: return {"no_scope_granted", invalid_scope, "none of the scopes may be granted"};

    case Problem::code_unknown: return {"code_unknown", invalid_grant, kCode};
    case Problem::code_of_another_client: return {"code_of_another_client", invalid_grant, kCode};
    case Problem::code_redirect_uri_mismatch: return {"code_redirect_uri_mismatch", invalid_grant, kCode};
    case Problem::code_verifier_malformed: return {"code_verifier_malformed", invalid_grant, kCode};
    case Problem::code_verifier_mismatch: return {"code_verifier_mismatch", invalid_grant, kCode};
    case Problem::code_replayed: return {"code_replayed", invalid_grant, kCode};
    case Problem::code_expired: return {"code_expired", invalid_grant, kCode};
    case Problem::code_of_another_key: return {"code_of_another_key", invalid_grant, kCode};

    case Problem::refresh_token_unknown: return {"refresh_token_unknown", invalid_grant, kRefresh};
    case Problem::refresh_token_of_another_client: return {"refresh_token_of_another_client", invalid_grant, kRefresh};
    case Problem::refresh_token_reused: return {"refresh_token_reused", invalid_grant, kRefresh};
    case Problem::refresh_token_revoked: return {"refresh_token_revoked", invalid_grant, kRefresh};
    case Problem::refresh_token_expired: return {"refresh_token_expired", invalid_grant, kRefresh};
    case Problem::refresh_token_before_not_before: return {"refresh_token_before_not_before", invalid_grant, kRefresh};
    case Problem::refresh_token_of_another_key: return {"refresh_token_of_another_key", invalid_grant, kRefresh};

    case Problem::device_key_not_offered:
      return {"device_key_not_offered", invalid_request, "this client cannot register device keys"};
    case Problem::device_key_malformed:
      return {"device_key_malformed", invalid_request, "writ_device_key must be a public P-256 key as a JWK"};
    case Problem::device_key_revoked: return {"device_key_revoked", invalid_grant, kDevice};
    case Problem::device_key_of_another_user: return {"device_key_of_another_user", invalid_grant, kDevice};
    case Problem::device_proof_invalid: return {"device_proof_invalid", invalid_grant, kDevice};
  }
  return {"unknown_problem", invalid_request, "the request is not accepted"};
}

}  // namespace

std::string_view to_string(Problem problem) { return said(problem).reason; }

Refusal refuse(Problem problem, std::string detail) {
  const Said what = said(problem);
  Refusal refusal{{what.code, what.description, {}}, std::string(what.reason), std::move(detail)};
  // Valid, but policy leaves nothing of what was asked: a person may want to know by which rule.
  refusal.with_code = problem == Problem::no_scope_granted;
  return refusal;
}

Refusal refuse(SessionProblem problem) {
  return {{oauth::ErrorCode::invalid_grant, kSubject, {}}, std::string(to_string(problem)), {}};
}

Refusal refuse(const policy::Decision& decision, const Settings& settings) {
  const auto code = settings.policy_denial == PolicyDenial::access_denied ? oauth::ErrorCode::access_denied
                                                                          : oauth::ErrorCode::invalid_target;
  return {{code, "policy does not allow this; a new request will not change that", {}},
          std::string(policy::to_string(decision.kind)),
          decision.message,
          true};
}

Refusal refuse(const policy::StepUp& step_up) {
  return {step_up_error(step_up), kInsufficientUserAuthentication, "level " + step_up.level, true};
}

Refusal refuse(const policy::Opinion& opinion, const Settings& settings) {
  policy::Decision decision;
  Refusal refusal = refuse(decision, settings);
  refusal.reason = opinion.reason;
  return refusal;
}

audit::Record record_of(audit::Event event, const TokenRequest& request, const Client& client) {
  audit::Record record;
  record.event = event;
  record.time = request.now;
  record.peer = request.peer;
  if (client.agent) record.agent = client.agent->id;
  if (client.registration) record.client_id = client.registration->client_id;
  if (client.snapshot) record.object_sequence = client.snapshot->sequence();
  return record;
}

Refused refused(Refusal refusal, audit::Record record) {
  record.effect = audit::Effect::deny;
  record.reason = std::move(refusal.reason);
  record.detail = std::move(refusal.detail);
  return {std::move(refusal.error), std::move(record), refusal.with_code};
}

}  // namespace writ::token_service::idp
