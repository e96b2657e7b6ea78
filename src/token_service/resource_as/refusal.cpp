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
    case Refusal::proof_absent:
    case Refusal::proof_required: return error(ErrorCode::invalid_grant, "proof of possession is required: send a DPoP proof");
    case Refusal::proof_of_another_key: return error(ErrorCode::invalid_grant, "the DPoP proof is of another key than the grant is bound to");
    case Refusal::client_not_allowed:
      return error(ErrorCode::unauthorized_client, "this client may not redeem grants of this issuer");
    case Refusal::resource_ambiguous: return error(ErrorCode::invalid_target, "the request must name one of the granted resources");
    case Refusal::resource_parameter_repeated: return error(ErrorCode::invalid_target, "a token is for one resource only");
    case Refusal::resource_parameter_not_granted:
      return error(ErrorCode::invalid_target, "the requested resource is not granted");
    case Refusal::scope_parameter_malformed: return error(ErrorCode::invalid_scope, "the parameter scope is malformed");
    case Refusal::no_grantable_scope: return error(ErrorCode::invalid_scope, "none of the scopes can be granted");
    case Refusal::details_not_understood:
    case Refusal::details_location_elsewhere: return error(ErrorCode::invalid_authorization_details, "the authorization details are not understood here");
    case Refusal::details_parameter_malformed: return error(ErrorCode::invalid_authorization_details, "the parameter authorization_details is malformed or not understood here");
    case Refusal::details_parameter_not_granted: return error(ErrorCode::invalid_authorization_details, "the requested authorization details are not granted");
    case Refusal::issuer_is_us:
    case Refusal::issuer_not_trusted:
    case Refusal::issuer_disabled:
    case Refusal::not_sender_constrained:
    case Refusal::tenant_not_expected:
    case Refusal::audience_tenant_not_expected:
    case Refusal::required_claim_missing:
    case Refusal::subject_unknown:
    case Refusal::subject_conflict:
    case Refusal::link_pending:
    case Refusal::link_rejected:
    case Refusal::too_many_links_pending:
    case Refusal::linked_to_another:
    case Refusal::email_ambiguous:
    case Refusal::email_of_a_service:
    case Refusal::email_not_accepted:
    case Refusal::email_taken:
    case Refusal::name_taken:
    case Refusal::name_not_usable:
    case Refusal::provisioned_elsewhere:
    case Refusal::account_not_created:
    case Refusal::user_disabled:
    case Refusal::issued_before_not_before:
    case Refusal::session_ended:
    case Refusal::session_expired:
    case Refusal::issued_before_event:
    case Refusal::signed_in_before_revocation:
    case Refusal::device_of_another_user:
    case Refusal::resource_missing:
    case Refusal::resource_not_registered:
    case Refusal::resource_of_another_server:
    case Refusal::server_disabled:
    case Refusal::scope_not_registered:
    case Refusal::assertion_not_encrypted:
    case Refusal::ema_refused:
    case Refusal::only_authorization_details: break;
  }
  return error(ErrorCode::invalid_grant, "the assertion is not accepted");
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::assertion_missing: return "assertion_missing";
    case Refusal::proof_absent: return "proof_absent";
    case Refusal::proof_of_another_key: return "proof_of_another_key";
    case Refusal::not_sender_constrained: return "not_sender_constrained";
    case Refusal::proof_required: return "proof_required";
    case Refusal::issuer_is_us: return "issuer_is_us";
    case Refusal::issuer_not_trusted: return "issuer_not_trusted";
    case Refusal::issuer_disabled: return "issuer_disabled";
    case Refusal::client_not_allowed: return "client_not_allowed";
    case Refusal::tenant_not_expected: return "tenant_not_expected";
    case Refusal::audience_tenant_not_expected: return "audience_tenant_not_expected";
    case Refusal::required_claim_missing: return "required_claim_missing";
    case Refusal::subject_unknown: return "subject_unknown";
    case Refusal::subject_conflict: return "subject_conflict";
    case Refusal::link_pending: return "link_pending";
    case Refusal::link_rejected: return "link_rejected";
    case Refusal::too_many_links_pending: return "too_many_links_pending";
    case Refusal::linked_to_another: return "linked_to_another";
    case Refusal::email_ambiguous: return "email_ambiguous";
    case Refusal::email_of_a_service: return "email_of_a_service";
    case Refusal::email_not_accepted: return "email_not_accepted";
    case Refusal::email_taken: return "email_taken";
    case Refusal::name_taken: return "name_taken";
    case Refusal::name_not_usable: return "name_not_usable";
    case Refusal::provisioned_elsewhere: return "provisioned_elsewhere";
    case Refusal::account_not_created: return "account_not_created";
    case Refusal::user_disabled: return "user_disabled";
    case Refusal::issued_before_not_before: return "issued_before_not_before";
    case Refusal::session_ended: return "session_ended";
    case Refusal::session_expired: return "session_expired";
    case Refusal::issued_before_event: return "issued_before_event";
    case Refusal::signed_in_before_revocation: return "signed_in_before_revocation";
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
    case Refusal::assertion_not_encrypted: return "assertion_not_encrypted";
    case Refusal::ema_refused: return "ema_refused";
    case Refusal::only_authorization_details: return "only_authorization_details";
    case Refusal::details_not_understood: return "details_not_understood";
    case Refusal::details_location_elsewhere: return "details_location_elsewhere";
    case Refusal::details_parameter_malformed: return "details_parameter_malformed";
    case Refusal::details_parameter_not_granted: return "details_parameter_not_granted";
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
          [](id_jag::Rejection rejection) {
            if (rejection == id_jag::Rejection::malformed_authorization_details) return wire_error(Refusal::details_not_understood);
            return oauth::Error{oauth::ErrorCode::invalid_grant, "the assertion is not accepted", {}};
          },
          [&](const policy::Decision&) { return denied_by_policy(); },
          [](const NeedsStepUp& needed) { return step_up_error(needed.step_up); },
          [&](const policy::Opinion&) { return denied_by_policy(); },
          [](jose::JweProblem) { return oauth::Error{oauth::ErrorCode::invalid_grant, "the assertion is not accepted", {}}; },
      },
      failure);
}

bool has_code(const Failure& failure) {
  if (const auto* refusal = std::get_if<Refusal>(&failure)) return *refusal >= Refusal::tenant_not_expected && *refusal <= Refusal::user_disabled;
  return !std::holds_alternative<id_jag::Rejection>(failure);
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
                 [&](jose::JweProblem problem) { record.reason = to_string(problem); },
             },
             failure);
}

}  // namespace writ::token_service::resource_as
