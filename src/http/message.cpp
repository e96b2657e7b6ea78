#include "http/message.h"

#include <algorithm>

namespace writ::http {
namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  // Most names differ in their length or, but for bit 0x20, in their first byte.
  if (a.size() != b.size() || (!a.empty() && ((a[0] ^ b[0]) & ~0x20) != 0)) return false;
  return std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* Headers::find_single(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [field_name, value] : fields_) {
    if (!equals_ignoring_case(field_name, name)) continue;
    if (found) return nullptr;
    found = &value;
  }
  return found;
}

const std::string* Headers::find(std::string_view name) const {
  for (const auto& [field_name, value] : fields_) {
    if (equals_ignoring_case(field_name, name)) return &value;
  }
  return nullptr;
}

std::size_t Headers::count(std::string_view name) const {
  std::size_t count = 0;
  for (const auto& field : fields_) count += equals_ignoring_case(field.first, name) ? 1 : 0;
  return count;
}

std::vector<std::string_view> Headers::find_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [field_name, value] : fields_) {
    if (equals_ignoring_case(field_name, name)) values.emplace_back(value);
  }
  return values;
}

void Headers::set(std::string name, std::string value) {
  erase(name);
  add(std::move(name), std::move(value));
}

void Headers::erase(std::string_view name) {
  std::erase_if(fields_, [name](const auto& field) { return equals_ignoring_case(field.first, name); });
}

Response text(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body), nullptr};
}

Response json(int status, std::string body) {
  return {status, {{"Content-Type", "application/json"}}, std::move(body), nullptr};
}

Response no_store(Response response) {
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("Pragma", "no-cache");
  return response;
}

}  // namespace writ::http
