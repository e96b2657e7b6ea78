#pragma once

// YAML 1.2 files as documents with places. Strict where YAML is generous: keys are unique text, there is one document in a file, no tags but
// those of plain scalars, no merge keys, and aliases, depth and size have limits (a few lines of YAML can otherwise unfold into gigabytes).
// `yes`, `no`, `on` and `off` are text, as YAML 1.2 has it.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "registry/node.h"

namespace writ::yaml {

struct Limits {
  std::size_t bytes_max = 8 << 20;
  std::size_t depth_max = 32;
  std::size_t nodes_max = 500'000;   // aliases count as what they stand for
  std::size_t aliases_max = 100;
};

// `file` names the text in places. An empty text is a null node.
Result<registry::Node, registry::Problems> parse(std::string_view text, std::string file, const Limits& limits = {});
Result<registry::Node, registry::Problems> parse_file(const std::string& path, const Limits& limits = {});

// A file, or a folder: its *.yaml and *.yml in the order of their names. Files of a policy bundle that lie beside them (grants.yaml,
// policy-tests.yaml) are not objects and are left out.
Result<registry::Node, registry::Problems> read_objects(const std::string& path);

// The whole file; at most `bytes_max`. The error is a sentence.
Result<std::string, std::string> read_text_file(const std::string& path, std::size_t bytes_max);
// A file that a document names for a secret: relative to the document's folder, not open to others (S10), one line ending cut off.
Result<Secret, std::string> read_secret_file(const std::string& path, const registry::Position& named_at);

}  // namespace writ::yaml
