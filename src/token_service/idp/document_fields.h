#pragma once

// Reading the IdP's own documents back. A document that is not as it was written means a damaged store: nothing starts on it.

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "encoding/json.h"
#include "registry/documents.h"

namespace writ::token_service::idp {

class DocumentFields {
 public:
  static Result<DocumentFields, Unavailable> parse(const registry::Document& document);
  // Each notes a missing or mistyped member; ask ok() at the end.
  std::string text(const char* name);
  Instant time(const char* name);
  std::int64_t number(const char* name);
  bool flag(const char* name);
  std::vector<std::string> texts(const char* name);
  bool has(const char* name) const { return value_.find(name) != nullptr; }   // for members that came later
  bool ok() const { return ok_; }

 private:
  explicit DocumentFields(json::Value value) : value_(std::move(value)) {}
  json::Value value_;
  bool ok_ = true;
};

json::Value to_json(Instant time);                              // milliseconds
json::Value to_json(const std::vector<std::string>& texts);

}  // namespace writ::token_service::idp
