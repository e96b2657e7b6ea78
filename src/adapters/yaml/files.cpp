#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "adapters/yaml/yaml.h"
#include "registry/read.h"
#include "registry/secret_file.h"

namespace writ::yaml {

using registry::Node;
using registry::Problems;

Result<std::string, std::string> read_text_file(const std::string& path, std::size_t bytes_max) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) return unexpected("`" + path + "` is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) return unexpected("cannot open `" + path + "`");
  // Piece by piece: the limit is megabytes, and what is read here is often kept.
  constexpr std::size_t kPiece = 16 * 1024;
  std::string text;
  while (file && text.size() <= bytes_max) {
    const std::size_t had = text.size();
    text.resize(std::min(had + kPiece, bytes_max + 1));
    file.read(text.data() + had, static_cast<std::streamsize>(text.size() - had));
    text.resize(had + static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return unexpected("cannot read `" + path + "`");
  if (text.size() > bytes_max) return unexpected("`" + path + "` is larger than " + std::to_string(bytes_max) + " bytes");
  text.shrink_to_fit();
  return text;
}

Result<Node, Problems> parse_file(const std::string& path, const Limits& limits) {
  auto text = read_text_file(path, limits.bytes_max);
  if (!text) return unexpected(Problems{{{path, 1, 1}, text.error()}});
  return parse(*text, path, limits);
}

Result<Node, Problems> read_objects(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return parse_file(path);
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path, problem)) {
    const std::string extension = entry.path().extension(), name = entry.path().filename();
    if (name.starts_with('.') || name == "grants.yaml" || name == "policy-tests.yaml") continue;
    if ((extension == ".yaml" || extension == ".yml") && entry.is_regular_file(problem)) files.push_back(entry.path());
  }
  if (problem) return unexpected(Problems{{{path, 1, 1}, "cannot read the folder: " + problem.message()}});
  std::sort(files.begin(), files.end());
  std::vector<Node> roots;
  Problems problems;
  for (const std::string& file : files) {
    auto root = parse_file(file);
    if (root) {
      roots.push_back(std::move(root).value());
    } else {
      problems.insert(problems.end(), root.error().begin(), root.error().end());
    }
  }
  if (!problems.empty()) return unexpected(std::move(problems));
  return registry::join_documents(std::move(roots));
}

Result<Secret, std::string> read_secret_file(const std::string& path, const registry::Position& named_at) {
  const std::filesystem::path written(path);
  const std::string full = written.is_absolute() ? path : (std::filesystem::path(named_at.file).parent_path() / written).string();
  TRY(registry::check_secret_file(full));
  std::string text = TRY(read_text_file(full, 64 * 1024));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return Secret(std::move(text));
}

}  // namespace writ::yaml
