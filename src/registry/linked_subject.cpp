#include "registry/linked_subject.h"

#include <algorithm>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::registry {

json::Value write(const LinkedSubject& subject) {
  json::Value out{{"iss", subject.issuer}, {"sub", subject.subject}};
  if (!subject.tenant.empty()) out.set("tenant", subject.tenant);
  return out;
}

Result<std::optional<LinkedSubject>, MalformedLinkedSubject> read_linked_subject(const json::Value& claims) {
  const json::Value* claim = claims.find(kLinkedAccountClaim);
  if (claim == nullptr) return std::optional<LinkedSubject>();
  const std::string* issuer = claim->find_string("iss");
  const std::string* subject = claim->find_string("sub");
  const json::Value* tenant = claim->find("tenant");
  if (issuer == nullptr || subject == nullptr || (tenant != nullptr && !tenant->is_string())) return unexpected(MalformedLinkedSubject{});
  LinkedSubject read;
  read.issuer = *issuer, read.subject = *subject;
  if (tenant != nullptr) read.tenant = *tenant->as_string();
  return std::optional(std::move(read));
}

std::string_view to_string(LinkEnded why) { return why == LinkEnded::issuer_disabled ? "issuer_disabled" : "account_unlinked"; }

std::optional<LinkEnded> ended_because(const LinkedSubject& subject, std::string_view user_id, const Snapshot& snapshot) {
  const TrustedIssuer* issuer = snapshot.trusted_issuer(subject.issuer);
  if (issuer == nullptr || !issuer->active) return LinkEnded::issuer_disabled;
  const User* user = snapshot.user_by_link(subject.issuer, subject.tenant, subject.subject);
  if (user == nullptr || user->id != user_id) return LinkEnded::account_unlinked;
  return std::nullopt;
}

std::string account_id(std::string_view issuer, std::string_view tenant, std::string_view subject) {
  // Lengths first, so that no two subjects can be cut differently into the same text.
  std::string text;
  for (const std::string_view part : {issuer, tenant, subject}) text.append(std::to_string(part.size())).append(":").append(part);
  const auto digest = crypto::sha256(text);
  return "acc_" + base64url::encode(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size())).substr(0, 22);
}

}  // namespace writ::registry
