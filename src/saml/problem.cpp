#include "saml/problem.h"

namespace writ::saml {

std::string_view to_string(Problem problem) {
  switch (problem) {
    case Problem::too_large: return "saml_too_large";
    case Problem::not_utf8: return "saml_not_utf8";
    case Problem::document_type: return "saml_document_type";
    case Problem::processing_instruction: return "saml_processing_instruction";
    case Problem::comment: return "saml_comment";
    case Problem::cdata: return "saml_cdata";
    case Problem::too_deep: return "saml_too_deep";
    case Problem::not_well_formed: return "saml_not_well_formed";
    case Problem::not_an_assertion: return "saml_not_an_assertion";
    case Problem::encrypted: return "saml_encrypted";
    case Problem::several_assertions: return "saml_several_assertions";
    case Problem::duplicate_id: return "saml_duplicate_id";
    case Problem::malformed: return "saml_malformed";
    case Problem::not_signed: return "saml_not_signed";
    case Problem::several_signatures: return "saml_several_signatures";
    case Problem::signature_misplaced: return "saml_signature_misplaced";
    case Problem::signature_shape: return "saml_signature_shape";
    case Problem::reference_elsewhere: return "saml_reference_elsewhere";
    case Problem::canonicalization: return "saml_canonicalization";
    case Problem::transform: return "saml_transform";
    case Problem::algorithm: return "saml_algorithm";
    case Problem::digest: return "saml_digest";
    case Problem::signature: return "saml_signature";
    case Problem::issuer: return "saml_issuer";
    case Problem::no_conditions: return "saml_no_conditions";
    case Problem::condition_unknown: return "saml_condition_unknown";
    case Problem::not_yet_valid: return "saml_not_yet_valid";
    case Problem::expired: return "saml_expired";
    case Problem::too_old: return "saml_too_old";
    case Problem::audience: return "saml_audience";
    case Problem::no_bearer_confirmation: return "saml_no_bearer_confirmation";
    case Problem::recipient: return "saml_recipient";
    case Problem::in_response_to: return "saml_in_response_to";
    case Problem::confirmation_expired: return "saml_confirmation_expired";
    case Problem::confirmation_times: return "saml_confirmation_times";
    case Problem::no_authentication: return "saml_no_authentication";
    case Problem::session_over: return "saml_session_over";
    case Problem::name_id_transient: return "saml_name_id_transient";
  }
  return "saml_malformed";
}

}  // namespace writ::saml
