#include "adapters/yaml/bundle_files.h"

#include <filesystem>

#include "adapters/yaml/yaml.h"

namespace writ::yaml {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 4 << 20;

Result<void, std::string> add(const fs::path& file, const std::string& name, policy::BundleFiles& files) {
  files[name] = TRY(read_text_file(file, kFileBytesMax));
  return {};
}

Result<void, std::string> add_folder(const fs::path& folder, const std::string& prefix, policy::BundleFiles& files) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename();
    if (policy::is_bundle_file(name)) TRY(add(entry.path(), prefix + name, files));
  }
  if (failed) return unexpected("cannot read `" + folder.string() + "`: " + failed.message());
  return {};
}

}  // namespace

Result<policy::BundleFiles, std::string> read_bundle_files(const std::string& path) {
  policy::BundleFiles files;
  std::error_code failed;
  if (!fs::is_directory(path, failed)) {
    TRY(add(path, fs::path(path).filename(), files));
    return files;
  }
  TRY(add_folder(path, "", files));
  if (const fs::path policies = fs::path(path) / "policies"; fs::is_directory(policies, failed)) TRY(add_folder(policies, "policies/", files));
  if (files.empty()) return unexpected("`" + path + "` holds no policy: there is no grants.yaml in it");
  return files;
}

}  // namespace writ::yaml
