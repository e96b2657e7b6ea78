#pragma once

// The key under which private keys and secrets rest (rules §7.4): where it comes from, and how it is replaced by another one.
//
// The key that the operator gives seals the deployment's own key, and that seals everything else. Without such a document the given key is the
// deployment's own. So a new given key takes one document to seal anew, and what is derived from the deployment's own key stays.

#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "registry/documents.h"

namespace writ::writd {

struct SealingKeySource {
  std::string file, environment, credential;   // one of them; see config::Keys
  std::string previous_file;
};

struct GivenKeys {
  Secret present;
  Secret previous;      // empty: none was named
};
// Makes the file (0600) when it is one and there is none. The error is a sentence for the operator.
Result<GivenKeys, std::string> read_sealing_keys(const SealingKeySource& source);

// The deployment's own key, from the documents of the table `root_key`. `is_under_present`: it need not be sealed anew. Changes nothing.
struct RootKey {
  Secret key;
  bool is_under_present = false;
};
inline constexpr const char* kRootKeyTable = "root_key";
Result<RootKey, std::string> find_root_key(const std::vector<registry::Document>& stored, const GivenKeys& given);

// The deployment's own key. Where the previous key was needed, it is sealed under the present one when this returns. Blocks: for start-up.
Result<Secret, std::string> open_root_key(registry::Documents& documents, const GivenKeys& given);

}  // namespace writ::writd
