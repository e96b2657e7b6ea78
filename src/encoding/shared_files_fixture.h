#pragma once

// For tests only: collections of test vectors that are too large to live in the repository (Wycheproof, JSONTestSuite). They are looked
// for in $WRIT_SHARED, else in `../shared` beside the source tree; without them the tests that need them are skipped and say so.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace writ::test {

inline std::optional<std::filesystem::path> shared_folder(const std::string& name) {
  namespace fs = std::filesystem;
  if (const char* root = std::getenv("WRIT_SHARED")) {
    const fs::path folder = fs::path(root) / name;
    return fs::is_directory(folder) ? std::optional(folder) : std::nullopt;
  }
  for (fs::path above = fs::current_path(); above != above.root_path(); above = above.parent_path()) {
    const fs::path folder = above.parent_path() / "shared" / name;
    if (fs::exists(above / "CMakePresets.json") && fs::is_directory(folder)) return folder;
  }
  return std::nullopt;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace writ::test

#define WRIT_SKIP_WITHOUT(folder) \
  if (!(folder)) GTEST_SKIP() << "the shared test vectors are absent: set WRIT_SHARED to the folder that holds them"
