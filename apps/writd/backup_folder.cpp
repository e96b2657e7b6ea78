#include "backup_folder.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "adapters/log/files.h"
#include "crypto/hash.h"
#include "encoding/json.h"
#include "encoding/json_members.h"

namespace writ::writd {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFormat = 1;

std::string hex_of(const crypto::Sha256& hash) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : hash) out += {kDigits[byte >> 4], kDigits[byte & 15]};
  return out;
}

// Mapped, so that a segment of any size costs no memory.
Result<BackedUpFile, std::string> measure(const std::string& folder, std::string name) {
  const std::string path = folder + "/" + name;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status {};
  const bool known = file >= 0 && ::fstat(file, &status) == 0;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = known && size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!known || mapped == MAP_FAILED) return unexpected("cannot read `" + path + "`: " + std::strerror(error));
  const std::string hash = hex_of(crypto::sha256({static_cast<const char*>(mapped), size}));
  if (mapped) ::munmap(mapped, size);
  return BackedUpFile{std::move(name), size, hash};
}

std::optional<BackedUpFile> read_file(const json::Value& value) {
  const auto* name = value.find_string("name");
  const auto* bytes = value.find_int("bytes");
  const auto* hash = value.find_string("sha256");
  if (!name || !bytes || *bytes < 0 || !hash) return std::nullopt;
  return BackedUpFile{*name, static_cast<std::uint64_t>(*bytes), *hash};
}

Result<BackupManifest, std::string> read_manifest(const std::string& folder) {
  const std::string path = folder + "/" + kManifest;
  const auto text = log::read_whole(*log::system_files(), path);
  if (!text) return unexpected("`" + folder + "` is no whole backup: " + text.error().detail);
  const auto value = json::parse(*text);
  const auto* format = value ? value->find_int("writ_backup") : nullptr;
  if (!format) return unexpected("`" + path + "` is not the manifest of a backup");
  if (*format != kFormat) return unexpected("the backup was made by a newer version of Writ, in a format that this one cannot read");
  const auto* version = value->find_string("version");
  const auto* node = value->find_string("node");
  const auto* made = value->find_string("made");
  const auto* store = value->find_string("store");
  const auto* position = value->find_int("newest_position");
  const auto* files = value->find_array("files");
  if (!version || !node || !made || !store || !position || !files) return unexpected("`" + path + "` was changed: members are missing");
  BackupManifest manifest{*version, *node, *made, *store == "postgresql", static_cast<std::uint64_t>(*position), {}};
  for (const json::Value& entry : *files) {
    auto file = read_file(entry);
    if (!file) return unexpected("`" + path + "` was changed: a file has no name, size or hash");
    manifest.files.push_back(std::move(*file));
  }
  return manifest;
}

}  // namespace

Result<std::vector<BackedUpFile>, std::string> list_files(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    if (entry->is_directory(failed)) continue;
    names.push_back(fs::path(entry->path()).lexically_relative(folder).string());
  }
  if (failed) return unexpected("cannot list `" + folder + "`: " + failed.message());
  std::sort(names.begin(), names.end());
  std::vector<BackedUpFile> files;
  for (std::string& name : names) {
    if (name != kManifest) files.push_back(TRY(measure(folder, std::move(name))));
  }
  return files;
}

Result<void, std::string> write_manifest(const std::string& folder, const BackupManifest& manifest) {
  json::Array files;
  for (const auto& file : manifest.files) files.push_back(json::Value{{"name", file.name}, {"bytes", static_cast<std::int64_t>(file.bytes)}, {"sha256", file.sha256_hex}});
  const json::Value value{{"writ_backup", kFormat}, {"version", manifest.version}, {"node", manifest.node}, {"made", manifest.made},
                          {"store", manifest.is_postgresql ? "postgresql" : "files"}, {"newest_position", static_cast<std::int64_t>(manifest.newest_position)},
                          {"files", json::Value(std::move(files))}};
  const auto written = log::replace_file(*log::system_files(), folder, kManifest, json::write(value) + "\n");
  if (!written) return unexpected(written.error().detail);
  return {};
}

Result<BackupManifest, std::string> check_backup(const std::string& folder) {
  auto manifest = TRY(read_manifest(folder));
  const auto found = TRY(list_files(folder));
  for (const auto& wanted : manifest.files) {
    const auto file = std::find_if(found.begin(), found.end(), [&](const auto& candidate) { return candidate.name == wanted.name; });
    if (file == found.end()) return unexpected("`" + folder + "/" + wanted.name + "` is missing from the backup");
    if (file->bytes != wanted.bytes || file->sha256_hex != wanted.sha256_hex) return unexpected("`" + folder + "/" + wanted.name + "` was changed since the backup was made");
  }
  for (const auto& file : found) {
    const bool listed = std::any_of(manifest.files.begin(), manifest.files.end(), [&](const auto& wanted) { return wanted.name == file.name; });
    if (!listed) return unexpected("`" + folder + "/" + file.name + "` does not belong to the backup");
  }
  return manifest;
}

}  // namespace writ::writd
