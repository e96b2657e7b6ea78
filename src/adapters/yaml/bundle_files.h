#pragma once

#include <string>

#include "policy/bundle.h"

namespace writ::yaml {

// The policy bundle of a folder: its grants.yaml and *.cedar, and those of a subfolder `policies` (named "policies/x.cedar"). Or one such file.
// The error is a sentence: a folder without any policy is one too.
Result<policy::BundleFiles, std::string> read_bundle_files(const std::string& path);

}  // namespace writ::yaml
