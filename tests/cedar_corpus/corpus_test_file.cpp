#include "corpus_test_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace writ::cedar::corpus {

namespace {

constexpr json::Limits kLimits{.bytes_max = 64u << 20, .depth_max = 500, .members_max = 10'000'000};

Result<std::string, std::string> read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return unexpected("cannot read " + path.string());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<json::Value, std::string> read_json(const std::filesystem::path& path) {
  auto parsed = json::parse(TRY(read_text(path)), kLimits);
  if (!parsed) return unexpected(path.string() + ": " + std::string(json::to_string(parsed.error())));
  return std::move(parsed).value();
}

std::vector<std::string> sorted_names(const json::Value& request, std::string_view member) {
  const json::Value* list = request.find(member);
  auto names = list == nullptr ? std::vector<std::string>() : json::to_strings(*list).value_or(std::vector<std::string>());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

Result<std::vector<std::filesystem::path>, std::string> find_test_files(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> paths;
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, failed); !failed && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(failed)) {
    if (entry->path().extension() != ".json" || entry->path().stem().extension() == ".entities") continue;
    const json::Value json = TRY(read_json(entry->path()));
    if (json.find_array("requests") != nullptr) paths.push_back(entry->path());
  }
  if (failed) return unexpected("cannot read " + folder.string() + ": " + failed.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<TestFile, std::string> read_test_file(const std::filesystem::path& folder, const std::filesystem::path& path) {
  TestFile test{path, TRY(read_json(path)), {}, {}, {}, false};
  const std::string* policies = test.json.find_string("policies");
  const std::string* entities = test.json.find_string("entities");
  const std::string* schema = test.json.find_string("schema");
  const bool* should_validate = test.json.find_bool("shouldValidate");
  if (policies == nullptr || entities == nullptr || schema == nullptr || should_validate == nullptr)
    return unexpected(path.string() + ": `policies`, `entities`, `schema` or `shouldValidate` is missing");
  test.policies = TRY(read_text(folder / *policies));
  test.entities = TRY(read_json(folder / *entities));
  test.schema = TRY(read_text(folder / *schema));
  test.should_validate = *should_validate;
  return test;
}

ExpectedAnswer expected_answer(const json::Value& request) {
  const std::string* description = request.find_string("description");
  const std::string* decision = request.find_string("decision");
  const bool* validate = request.find_bool("validateRequest");
  return {description == nullptr ? "" : *description, decision != nullptr && *decision == "allow", sorted_names(request, "reason"),
          sorted_names(request, "errors"), validate != nullptr && *validate};
}

}  // namespace writ::cedar::corpus
