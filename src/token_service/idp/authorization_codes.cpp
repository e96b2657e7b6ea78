#include "token_service/idp/document_fields.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kTable = "idp_authorization_codes";

registry::Document document_of(const AuthorizationCode& code, std::int64_t version) {
  json::Value value{{"grant", code.grant_id},           {"client", code.client_id},   {"agent", code.agent_id},
                    {"user", code.user_id},             {"sid", code.sid},            {"redirect_uri", code.redirect_uri},
                    {"challenge", code.code_challenge}, {"nonce", code.nonce},        {"scope", code.scope},
                    {"expires", to_json(code.expires)}, {"used", code.used}};
  if (!code.dpop_jkt.empty()) value.set("dpop_jkt", code.dpop_jkt);
  return {kTable, code.digest, version, code.expires + AuthorizationCodes::kRemembered, json::write(value)};
}

Result<AuthorizationCode, Unavailable> read(const registry::Document& document) {
  auto fields = TRY(DocumentFields::parse(document));
  AuthorizationCode code{document.key, fields.text("grant"), fields.text("client"), fields.text("agent"), fields.text("user"),
                         fields.text("sid"), fields.text("redirect_uri"), fields.text("challenge"), fields.text("nonce"),
                         fields.text("scope"), fields.time("expires"), fields.flag("used")};
  if (fields.has("dpop_jkt")) code.dpop_jkt = fields.text("dpop_jkt");
  if (!fields.ok()) return unexpected(Unavailable{"a stored authorization code cannot be read"});
  return code;
}

}  // namespace

Result<std::unique_ptr<AuthorizationCodes>, Unavailable> AuthorizationCodes::open(registry::Documents& documents) {
  std::unique_ptr<AuthorizationCodes> codes(new AuthorizationCodes(documents));
  for (const auto& document : TRY(documents.load(kTable))) {
    auto code = TRY(read(document));
    codes->codes_.emplace(document.key, Entry{std::move(code), document.version});
  }
  return codes;
}

std::string_view AuthorizationCodes::table() const { return kTable; }

Result<void, Unavailable> AuthorizationCodes::take_over(const registry::Document& document) {
  auto code = TRY(read(document));
  const std::lock_guard lock(mutex_);
  Entry& entry = codes_.emplace(document.key, Entry{{}, 0}).first->second;
  if (document.version > entry.version) entry.code = std::move(code), entry.version = document.version;
  return {};
}

std::optional<AuthorizationCode> AuthorizationCodes::find(std::string_view code) const {
  const std::string digest = digest_of(code);
  const std::lock_guard lock(mutex_);
  const auto found = codes_.find(digest);
  if (found == codes_.end()) return std::nullopt;
  return found->second.code;
}

Task<Result<void, Unavailable>> AuthorizationCodes::add(AuthorizationCode code) {
  return registry::write_through(documents_, [this, code = std::move(code)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const Entry& entry = codes_.emplace(code.digest, Entry{code, 1}).first->second;
    return document_of(entry.code, entry.version);
  });
}

Task<Result<void, Unavailable>> AuthorizationCodes::mark_used(std::string digest) {
  return registry::write_through(documents_, [this, digest = std::move(digest)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = codes_.find(digest);
    if (found == codes_.end()) return std::nullopt;
    found->second.code.used = true;
    return document_of(found->second.code, ++found->second.version);
  });
}

void AuthorizationCodes::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(codes_, [&](const auto& item) { return item.second.code.expires + kRemembered <= now; });
}

}  // namespace writ::token_service::idp
