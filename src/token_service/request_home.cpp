#include "token_service/request_home.h"

namespace writ::token_service {

Result<std::vector<registry::Document>, Unavailable> RequestHome::load() const {
  if (documents_ == nullptr) return std::vector<registry::Document>{};
  return documents_->load(table_);
}

Task<Result<void, Unavailable>> RequestHome::keep(std::function<std::optional<registry::Document>()> change) const {
  if (documents_ == nullptr) {
    change();
    co_return Result<void, Unavailable>{};
  }
  auto writing = registry::write_through(*documents_, std::move(change));
  auto written = co_await writing;
  co_return written;
}

}  // namespace writ::token_service
