#pragma once

// Where requests that wait for a person are kept, besides the memory of this process. Alone a process keeps them nowhere else: they live for minutes, and
// whoever lost one begins again. Among several nodes they are documents, because the client asks one node and the person's browser comes to another.

#include <functional>
#include <optional>
#include <string>

#include "registry/documents.h"

namespace writ::token_service {

class RequestHome {
 public:
  RequestHome() = default;                                     // memory alone
  // `documents` outlives it.
  RequestHome(registry::Documents& documents, std::string table) : documents_(&documents), table_(std::move(table)) {}

  const std::string& table() const { return table_; }
  Result<std::vector<registry::Document>, Unavailable> load() const;
  // As registry::write_through.
  Task<Result<void, Unavailable>> keep(std::function<std::optional<registry::Document>()> change) const;

 private:
  registry::Documents* documents_ = nullptr;
  std::string table_;
};

}  // namespace writ::token_service
