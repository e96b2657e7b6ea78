#pragma once

// A whole bundle that is tried out beside the active one (policy/shadow.h): one at a time, kept across restarts, never enforced.

#include <memory>
#include <optional>
#include <string>

#include "policy/bundle.h"
#include "registry/documents.h"

namespace writ::admin {

struct Candidate {
  policy::BundleFiles files;
  policy::Bundle bundle;
  std::string author, reason;
  Instant started{};
};

// `document_version` rises with every write. Null candidate: none any more.
registry::Document document_of(const Candidate* candidate, std::int64_t document_version, Instant now);

struct StoredCandidate {
  std::optional<Candidate> candidate;             // absent: none, or one that can no longer be read
  std::int64_t document_version = 0;
  std::string problem;                            // why it cannot be read
};
Result<StoredCandidate, Unavailable> load_candidate(registry::Documents& documents, const policy::ParseYaml& parse);

}  // namespace writ::admin
