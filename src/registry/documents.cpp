#include "registry/documents.h"

namespace writ::registry {
namespace {

constexpr int kAttemptsMax = 8;   // of one change; between them others have made theirs

}  // namespace

// A home that one process has for itself.
Task<Result<bool, Unavailable>> Documents::put_on_top(Document document) {
  const auto written = co_await put(std::move(document));
  if (!written) co_return unexpected(written.error());
  co_return true;
}

Task<Result<void, Unavailable>> write_through(Documents& documents, std::function<std::optional<Document>()> change) {
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    auto document = change();
    if (!document) co_return Result<void, Unavailable>{};
    const auto written = co_await documents.put_on_top(std::move(*document));
    if (!written) co_return unexpected(written.error());
    if (*written) co_return Result<void, Unavailable>{};
  }
  co_return unexpected(Unavailable{"documents: other nodes change the same one all the time"});
}

}  // namespace writ::registry
