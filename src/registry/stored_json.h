#pragma once

// How databases keep documents and policy bundles as text. Written by us, and larger than what a request may be.

#include <optional>
#include <string>
#include <string_view>

#include "encoding/json.h"
#include "registry/object_store.h"

namespace writ::registry {

// Absent: the text is not what was written.
std::optional<json::Value> read_stored(std::string_view text);
std::string write_files(const BundleFiles& files);
std::optional<BundleFiles> read_files(std::string_view text);

}  // namespace writ::registry
