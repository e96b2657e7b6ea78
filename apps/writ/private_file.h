#pragma once

// Files that are their owner's alone (B4): mode 0600 in a folder of mode 0700, replaced in one step.

#include <optional>
#include <string>

#include "base/result.h"

namespace writ::cli {

// ${WRIT_CONFIG_DIR}, else ${XDG_CONFIG_HOME}/writ, else ~/.config/writ.
std::string config_directory();

// Absent when there is no such file. The error is a sentence: a file that is open to others is not used.
Result<std::optional<std::string>, std::string> read_private_file(const std::string& path);
// A crash leaves the old file or the new one. Makes the folder.
Result<void, std::string> write_private_file(const std::string& path, const std::string& text);

}  // namespace writ::cli
