#include "token_service/idp/id_jag_options.h"

#include "token_service/idp/subject_identifier.h"

namespace writ::token_service::idp {
namespace {

// IDJAG-85: each member exactly when the NameID has it that this identity provider would send there.
Result<json::Value, Refusal> saml_name_id(const registry::ResourceAs& audience, const registry::User& user, const Settings& settings) {
  const auto& saml = *audience.saml_subject;
  const auto name = subject_identifier(saml.name_id, user, audience.issuer, settings);
  if (!name) return unexpected(refuse(Problem::subject_not_available, "saml_subject " + saml.name_id));
  json::Value said{{"format", "saml-nameid"}, {"issuer", saml.issuer}, {"nameid", *name}};
  if (!saml.name_id_format.empty()) said.set("nameid_format", saml.name_id_format);
  if (!saml.sp_name_qualifier.empty()) said.set("sp_name_qualifier", saml.sp_name_qualifier);
  return said;
}

}  // namespace

Result<void, Refusal> add_options(const registry::ResourceAs& audience, const registry::User& user, const Settings& settings, id_jag::Statement& statement) {
  // Only where it is needed, for the client reads it too (IDJAG-86).
  if (audience.saml_subject) statement.sub_id = TRY(saml_name_id(audience, user, settings));
  if (!audience.encryption_jwks.empty()) {
    statement.encrypt_to = jose::choose_encryption_key(audience.encryption_jwks);
    // Whoever asked for encryption does not get it in the clear (EMA-19).
    if (!statement.encrypt_to) return unexpected(refuse(Problem::subject_not_available, "none of the keys in encryption_jwks can be encrypted to"));
  }
  return {};
}

}  // namespace writ::token_service::idp
