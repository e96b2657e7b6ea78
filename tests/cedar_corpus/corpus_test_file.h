#pragma once

// One test of the corpus: policies, entities, requests and what is expected of them (format: the corpus' README).

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "cedar/entities.h"
#include "cedar/policy_set.h"
#include "cedar/request.h"
#include "encoding/json.h"

namespace writ::cedar::corpus {

struct ExpectedAnswer {
  std::string description;
  bool is_allowed;
  std::vector<std::string> determining;   // sorted, unique
  std::vector<std::string> errors;        // sorted, unique
  bool is_validated;
};

struct TestFile {
  std::filesystem::path path;
  json::Value json;
  std::string policies;
  std::string schema;
  json::Value entities;
  bool should_validate;
};

// Every file below the folder with a `requests` member, in the order of names.
Result<std::vector<std::filesystem::path>, std::string> find_test_files(const std::filesystem::path& folder);
// Paths inside are relative to the folder.
Result<TestFile, std::string> read_test_file(const std::filesystem::path& folder, const std::filesystem::path& path);
ExpectedAnswer expected_answer(const json::Value& request);

}  // namespace writ::cedar::corpus
