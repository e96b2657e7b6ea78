#pragma once

// A subject of another issuer that is linked to a user here, as access tokens name it (`linked_account`): the access that was given because of a link ends
// with the link, and with the trust in its issuer, whoever takes them away and however (docs/reference/trusted-issuers.md).

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "encoding/json.h"
#include "registry/snapshot.h"

namespace writ::registry {

struct LinkedSubject {
  std::string issuer, tenant, subject;
  friend bool operator==(const LinkedSubject&, const LinkedSubject&) = default;
};

inline constexpr std::string_view kLinkedAccountClaim = "linked_account";
json::Value write(const LinkedSubject& subject);
// Of the claims of a token. Absent: there is no such claim. An error: it is none that was written here.
struct MalformedLinkedSubject {};
Result<std::optional<LinkedSubject>, MalformedLinkedSubject> read_linked_subject(const json::Value& claims);

// Why the subject gives this user nothing any more; absent: it does.
enum class LinkEnded { issuer_disabled, account_unlinked };
std::string_view to_string(LinkEnded why);
std::optional<LinkEnded> ended_because(const LinkedSubject& subject, std::string_view user_id, const Snapshot& snapshot);

// acc_…: how the account is called in paths and commands, made from what it is, so that nobody has to keep it.
std::string account_id(std::string_view issuer, std::string_view tenant, std::string_view subject);

}  // namespace writ::registry
