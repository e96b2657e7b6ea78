#pragma once

// Data on standard output, talk on standard error. What strangers named (tools, users, agents) reaches the terminal without control
// characters.

#include <string>
#include <string_view>
#include <vector>

#include "encoding/json.h"

namespace writ::cli::admin {

std::string safe(std::string_view text);
void print_json(const json::Value& value);

// Columns of equal width; the last one is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  void print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// The member as text; "" when absent. Lists are joined with commas.
std::string text_of(const json::Value& object, std::string_view member);

// %2F and the like, for keys in paths.
std::string path_segment(std::string_view text);

}  // namespace writ::cli::admin
