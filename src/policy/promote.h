#pragma once

// Makes a bundle in which one @shadow policy is enforced: its text without that annotation, every other byte as it was.

#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/bundle.h"

namespace writ::policy {

// `id` is an @id, or file:line as decisions name policies without one. The error is a sentence.
Result<BundleFiles, std::string> without_shadow(const BundleFiles& files, std::string_view id);

}  // namespace writ::policy
