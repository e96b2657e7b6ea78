#include "token_service/resource_as/encrypted_assertion.h"

namespace writ::token_service::resource_as {

Result<std::string, Failure> open_assertion(const std::string& assertion, const Settings& settings) {
  if (!jose::is_encrypted(assertion)) {
    if (settings.encryption_required) return unexpected(Failure(Refusal::assertion_not_encrypted));
    return assertion;
  }
  if (settings.assertion_keys == nullptr) return unexpected(Failure(jose::JweProblem::unknown_key));
  const auto keys = settings.assertion_keys->current();
  auto opened = jose::decrypt(assertion, keys);
  if (!opened) return unexpected(Failure(opened.error()));
  return std::move(*opened);
}

void add_encryption(json::Value& metadata, const Settings& settings) {
  if (settings.assertion_keys == nullptr) return;
  json::Array algorithms;
  for (const auto algorithm : {jose::KeyManagement::ecdh_es_a256kw, jose::KeyManagement::ecdh_es, jose::KeyManagement::rsa_oaep_256}) {
    const auto keys = settings.assertion_keys->current();
    const bool is_rsa = !keys.empty() && jose::public_half(keys.back()).algorithm == jose::KeyManagement::rsa_oaep_256;
    if (is_rsa == (algorithm == jose::KeyManagement::rsa_oaep_256)) algorithms.emplace_back(jose::to_string(algorithm));
  }
  metadata.set("id_jag_encryption_alg_values_supported", std::move(algorithms));
  metadata.set("id_jag_encryption_enc_values_supported", json::Array{jose::kContentEncryption});
  if (settings.encryption_required) metadata.set("id_jag_encryption_required", true);
}

void add_encryption_key(json::Value& key_set, const Settings& settings) {
  if (settings.assertion_keys == nullptr) return;
  const auto keys = settings.assertion_keys->current();
  const auto* published = key_set.find_array("keys");
  json::Array all = published ? *published : json::Array{};
  // The newest alone: what is not to be used any more is not offered.
  if (!keys.empty()) all.push_back(jose::to_json(jose::public_half(keys.back())));
  key_set.set("keys", std::move(all));
}

}  // namespace writ::token_service::resource_as
