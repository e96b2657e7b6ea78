#pragma once

// From a subject identifier to the names that an issuer's ID-JAGs give that person, and the end of what was given under them (EN-27).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "registry/snapshot.h"
#include "registry/stored_revocations.h"
#include "signals/receiver/receiver.h"
#include "signals/subject.h"

namespace writ::signals {

struct NamedSubject {
  std::string tenant, subject;
  friend bool operator==(const NamedSubject&, const NamedSubject&) = default;
};
struct Named {
  std::vector<NamedSubject> names;     // never empty
  std::string user_id;                 // the person here, when there is one already
};
enum class NamingProblem {
  nobody,                // it is about a device or a tenant
  another_issuer,        // an issuer speaks for its own subjects alone
  format_not_known,
  domain_not_allowed,    // no address of that domain is this issuer's to speak for
  subject_unknown,       // nobody here has that address and comes from this issuer
  tenant_not_expected,
};
std::string_view to_string(NamingProblem problem);
// Whom an issuer means. By `iss_sub` also somebody who is not known here yet: what comes later may be older than the event.
Result<Named, NamingProblem> name_subject(const Subject& subject, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot);

// What the RAS does about it. Both are durable when they complete.
class SubjectAccess {
 public:
  explicit SubjectAccess(registry::StoredRevocations& revocations) : revocations_(revocations) {}
  // Tokens of ID-JAGs that were issued until that second end, and older ID-JAGs are refused.
  Task<Result<void, Unavailable>> end(std::string issuer, std::vector<NamedSubject> names, std::int64_t until_seconds, Instant now);
  // Moreover nothing is given before the person has signed in anew at the issuer (EN-51, EN-55).
  Task<Result<void, Unavailable>> end_until_signed_in(std::string issuer, std::vector<NamedSubject> names, std::int64_t until_seconds, Instant now);

 private:
  registry::StoredRevocations& revocations_;
};

}  // namespace writ::signals
