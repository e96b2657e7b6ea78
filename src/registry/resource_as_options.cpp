#include "registry/resource_as_options.h"

#include "jose/jwe.h"

namespace writ::registry {
namespace {

void read_saml_subject(Fields& fields, Reading& reading, ResourceAs& ras) {
  const Node* node = fields.find("saml_subject");
  if (!node) return;
  Fields said(*node, "`saml_subject`", reading.problems);
  ResourceAs::SamlSubject subject;
  subject.issuer = said.required_text("issuer");
  subject.name_id = said.text("name_id", subject.name_id);
  subject.name_id_format = said.text("name_id_format");
  subject.sp_name_qualifier = said.text("sp_name_qualifier");
  said.finish();
  ras.saml_subject = std::move(subject);
}

void read_encryption_keys(Fields& fields, ResourceAs& ras) {
  const Node* keys = fields.find("encryption_jwks");
  if (!keys) return;
  ras.encryption_jwks = keys->kind == Node::Kind::mapping ? json::write(to_json(*keys)) : fields.text("encryption_jwks");
  if (ras.encryption_jwks.empty()) return;
  const auto parsed = json::parse(ras.encryption_jwks);
  const auto* list = parsed ? parsed->find_array("keys") : nullptr;
  if (!list || list->empty()) return fields.error(keys->at, "`encryption_jwks` must be a JWK set: {\"keys\": [...]}");
  for (const auto& key : *list) {
    if (key.find("d") || key.find("k")) fields.error(keys->at, "`encryption_jwks` holds a private or symmetric key: register the public key only");
  }
}

}  // namespace

void read_options(Fields& fields, Reading& reading, ResourceAs& ras) {
  read_saml_subject(fields, reading, ras);
  read_encryption_keys(fields, ras);
}

void write_options(const ResourceAs& ras, json::Value& out) {
  const ResourceAs::SamlSubject defaults;
  if (ras.saml_subject) {
    json::Value subject = json::Object{};
    subject.set("issuer", ras.saml_subject->issuer);
    if (ras.saml_subject->name_id != defaults.name_id) subject.set("name_id", ras.saml_subject->name_id);
    if (!ras.saml_subject->name_id_format.empty()) subject.set("name_id_format", ras.saml_subject->name_id_format);
    if (!ras.saml_subject->sp_name_qualifier.empty()) subject.set("sp_name_qualifier", ras.saml_subject->sp_name_qualifier);
    out.set("saml_subject", std::move(subject));
  }
  if (!ras.encryption_jwks.empty()) {
    auto parsed = json::parse(ras.encryption_jwks);
    out.set("encryption_jwks", parsed ? std::move(parsed).value() : json::Value(ras.encryption_jwks));
  }
}

std::vector<std::pair<std::string, std::string>> problems_of_options(const ResourceAs& ras, bool (*is_subject_choice)(std::string_view)) {
  std::vector<std::pair<std::string, std::string>> problems;
  if (ras.saml_subject && !is_subject_choice(ras.saml_subject->name_id)) {
    problems.emplace_back("saml_subject/name_id", "`name_id` must be user_id, email, upstream_sub, pairwise or attribute:NAME, not `" + ras.saml_subject->name_id.substr(0, 60) + "`");
  }
  if (ras.saml_subject && (ras.saml_subject->issuer.size() > 1024)) problems.emplace_back("saml_subject/issuer", "an entity ID has up to 1024 characters");
  if (!ras.encryption_jwks.empty() && !jose::choose_encryption_key(ras.encryption_jwks)) {
    problems.emplace_back("encryption_jwks", "none of these keys can be encrypted to: `use` must be enc or absent, and `alg` ECDH-ES, ECDH-ES+A256KW or RSA-OAEP-256");
  }
  return problems;
}

}  // namespace writ::registry
