#include "adapters/memory/documents.h"

namespace writ::memory {

using registry::Document;

Result<std::vector<Document>, Unavailable> MemoryDocuments::load(std::string_view table) {
  const std::lock_guard lock(mutex_);
  if (failing_) return unexpected(Unavailable{"documents"});
  std::vector<Document> found;
  for (const auto& [key, document] : documents_) {
    if (key.first == table) found.push_back(document);
  }
  return found;
}

Task<Result<void, Unavailable>> MemoryDocuments::put(Document document) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"documents"});
  auto& kept = documents_[{document.table, document.key}];
  if (document.version > kept.version) kept = std::move(document);
  co_return Result<void, Unavailable>{};
}

Task<Result<void, Unavailable>> MemoryDocuments::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"documents"});
  std::erase_if(documents_, [&](const auto& item) { return item.second.expires <= now; });
  co_return Result<void, Unavailable>{};
}

void MemoryDocuments::fail_from_now_on(bool failing) {
  const std::lock_guard lock(mutex_);
  failing_ = failing;
}

}  // namespace writ::memory
