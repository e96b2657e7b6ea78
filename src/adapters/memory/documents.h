#pragma once

// Documents in memory, for tests and `writ demo`: they live as long as the object.

#include <map>
#include <mutex>
#include <utility>

#include "registry/documents.h"

namespace writ::memory {

class MemoryDocuments final : public registry::Documents {
 public:
  Result<std::vector<registry::Document>, Unavailable> load(std::string_view table) override;
  Task<Result<void, Unavailable>> put(registry::Document document) override;
  Task<Result<void, Unavailable>> forget_expired(Instant now) override;
  void fail_from_now_on(bool failing);   // for tests: a home that cannot be reached

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, registry::Document> documents_;
  bool failing_ = false;
};

}  // namespace writ::memory
