#include "token_service/idp/document_fields.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kTable = "idp_authorization_codes";

registry::Document document_of(const AuthorizationCode& code) {
  json::Value value{{"grant", code.grant_id},           {"client", code.client_id},   {"agent", code.agent_id},
                    {"user", code.user_id},             {"sid", code.sid},            {"redirect_uri", code.redirect_uri},
                    {"challenge", code.code_challenge}, {"nonce", code.nonce},        {"scope", code.scope},
                    {"expires", to_json(code.expires)}, {"used", code.used}};
  return {kTable, code.digest, code.used ? 2 : 1, code.expires + AuthorizationCodes::kRemembered, json::write(value)};
}

}  // namespace

Result<std::unique_ptr<AuthorizationCodes>, Unavailable> AuthorizationCodes::open(registry::Documents& documents) {
  std::unique_ptr<AuthorizationCodes> codes(new AuthorizationCodes(documents));
  for (const auto& document : TRY(documents.load(kTable))) {
    auto fields = TRY(DocumentFields::parse(document));
    AuthorizationCode code{document.key, fields.text("grant"), fields.text("client"), fields.text("agent"), fields.text("user"),
                           fields.text("sid"), fields.text("redirect_uri"), fields.text("challenge"), fields.text("nonce"),
                           fields.text("scope"), fields.time("expires"), fields.flag("used")};
    if (!fields.ok()) return unexpected(Unavailable{"a stored authorization code cannot be read"});
    codes->codes_.emplace(document.key, std::move(code));
  }
  return codes;
}

std::optional<AuthorizationCode> AuthorizationCodes::find(std::string_view code) const {
  const std::string digest = digest_of(code);
  const std::lock_guard lock(mutex_);
  const auto found = codes_.find(digest);
  if (found == codes_.end()) return std::nullopt;
  return found->second;
}

Task<Result<void, Unavailable>> AuthorizationCodes::add(AuthorizationCode code) {
  const std::lock_guard lock(mutex_);
  auto write = documents_.put(document_of(code));
  const std::string digest = code.digest;
  codes_.emplace(digest, std::move(code));
  return write;
}

Task<Result<void, Unavailable>> AuthorizationCodes::mark_used(std::string digest) {
  const std::lock_guard lock(mutex_);
  const auto found = codes_.find(digest);
  if (found == codes_.end()) return nothing_to_write();
  found->second.used = true;
  return documents_.put(document_of(found->second));
}

void AuthorizationCodes::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(codes_, [&](const auto& item) { return item.second.expires + kRemembered <= now; });
}

}  // namespace writ::token_service::idp
