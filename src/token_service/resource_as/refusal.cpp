#include "token_service/resource_as/refusal.h"

#include "base/overloaded.h"
#include "token_service/step_up_error.h"

namespace writ::token_service::resource_as {
namespace {

oauth::Error wire_error(Refusal refusal) {
  using oauth::ErrorCode;
  const auto error = [](ErrorCode code, std::string description) { return oauth::Error{code, std::move(description), {}}; };
  switch (refusal) {
    case Refusal::assertion_missing: return error(ErrorCode::invalid_request, "the parameter assertion is missing");
    case Refusal::dpop_not_offered: return error(ErrorCode::invalid_request, "DPoP is not offered here");
    case Refusal::client_not_allowed:
      return error(ErrorCode::unauthorized_client, "this client may not redeem grants of this issuer");
    case Refusal::resource_ambiguous: return error(ErrorCode::invalid_target, "the request must name one of the granted resources");
    case Refusal::resource_parameter_repeated: return error(ErrorCode::invalid_target, "a token is for one resource only");
    case Refusal::resource_parameter_not_granted:
      return error(ErrorCode::invalid_target, "the requested resource is not granted");
    case Refusal::scope_parameter_malformed: return error(ErrorCode::invalid_scope, "the parameter scope is malformed");
    case Refusal::no_grantable_scope: return error(ErrorCode::invalid_scope, "none of the scopes can be granted");
    case Refusal::issuer_is_us:
    case Refusal::issuer_not_trusted:
    case Refusal::issuer_disabled:
    case Refusal::tenant_not_expected:
    case Refusal::subject_unknown:
    case Refusal::user_disabled:
    case Refusal::issued_before_not_before:
    case Refusal::session_ended:
    case Refusal::session_expired:
    case Refusal::device_of_another_user:
    case Refusal::resource_missing:
    case Refusal::resource_not_registered:
    case Refusal::resource_of_another_server:
    case Refusal::server_disabled:
    case Refusal::scope_not_registered:
    case Refusal::only_authorization_details: break;
  }
  return error(ErrorCode::invalid_grant, "the assertion is not accepted");
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::assertion_missing: return "assertion_missing";
    case Refusal::dpop_not_offered: return "dpop_not_offered";
    case Refusal::issuer_is_us: return "issuer_is_us";
    case Refusal::issuer_not_trusted: return "issuer_not_trusted";
    case Refusal::issuer_disabled: return "issuer_disabled";
    case Refusal::client_not_allowed: return "client_not_allowed";
    case Refusal::tenant_not_expected: return "tenant_not_expected";
    case Refusal::subject_unknown: return "subject_unknown";
    case Refusal::user_disabled: return "user_disabled";
    case Refusal::issued_before_not_before: return "issued_before_not_before";
    case Refusal::session_ended: return "session_ended";
    case Refusal::session_expired: return "session_expired";
    case Refusal::device_of_another_user: return "device_of_another_user";
    case Refusal::resource_missing: return "resource_missing";
    case Refusal::resource_not_registered: return "resource_not_registered";
    case Refusal::resource_of_another_server: return "resource_of_another_server";
    case Refusal::server_disabled: return "server_disabled";
    case Refusal::resource_ambiguous: return "resource_ambiguous";
    case Refusal::resource_parameter_repeated: return "resource_parameter_repeated";
    case Refusal::resource_parameter_not_granted: return "resource_parameter_not_granted";
    case Refusal::scope_not_registered: return "scope_not_registered";
    case Refusal::scope_parameter_malformed: return "scope_parameter_malformed";
    case Refusal::no_grantable_scope: return "no_grantable_scope";
    case Refusal::only_authorization_details: return "only_authorization_details";
  }
  return "unknown";
}

oauth::Error to_wire(const Failure& failure, const Settings& settings) {
  const auto denied_by_policy = [&] {
    const bool denied = settings.policy_denial == Settings::PolicyDenial::access_denied;
    return oauth::Error{denied ? oauth::ErrorCode::access_denied : oauth::ErrorCode::invalid_grant, "the policy does not allow this", {}};
  };
  return std::visit(
      Overloaded{
          [](Refusal refusal) { return wire_error(refusal); },
          [](id_jag::Rejection) {
            return oauth::Error{oauth::ErrorCode::invalid_grant, "the assertion is not accepted", {}};
          },
          [&](const policy::Decision&) { return denied_by_policy(); },
          [](const NeedsStepUp& needed) { return step_up_error(needed.step_up); },
          [&](const policy::Opinion&) { return denied_by_policy(); },
      },
      failure);
}

void describe(const Failure& failure, audit::Record& record) {
  record.effect = audit::Effect::deny;
  std::visit(Overloaded{
                 [&](Refusal refusal) { record.reason = to_string(refusal); },
                 [&](id_jag::Rejection rejection) { record.reason = to_string(rejection); },
                 [&](const policy::Decision& decision) {
                   record.reason = to_string(decision.kind);
                   record.detail = decision.message;
                 },
                 [&](const NeedsStepUp& needed) {
                   record.reason = kInsufficientUserAuthentication;
                   record.detail = "level " + needed.step_up.level;
                 },
                 [&](const policy::Opinion& opinion) { record.reason = opinion.reason; },
             },
             failure);
}

}  // namespace writ::token_service::resource_as
