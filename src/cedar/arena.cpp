#include "cedar/arena.h"

#include <algorithm>

namespace writ::cedar {

namespace {
constexpr std::size_t kFirstBlockBytes = 1024;
constexpr std::size_t kLargestBlockBytes = 256 * 1024;
}  // namespace

void* Arena::allocate_from_next_block(std::size_t bytes) {
  while (next_ < blocks_.size() && blocks_[next_].size < bytes) ++next_;
  if (next_ == blocks_.size()) {
    const std::size_t doubled = std::clamp(size_ * 2, kFirstBlockBytes, kLargestBlockBytes);
    const std::size_t size = std::max(doubled, bytes);
    // The blocks come from operator new[], so their beginnings are aligned for every type that we keep.
    blocks_.push_back(Block{std::unique_ptr<std::byte[]>(new std::byte[size]), size});
    bytes_reserved_ += size;
  }
  block_ = blocks_[next_].bytes.get();
  size_ = blocks_[next_].size;
  used_ = bytes;
  ++next_;
  return block_;
}

void Arena::clear() {
  next_ = 0;
  block_ = nullptr;
  size_ = used_ = 0;
}

}  // namespace writ::cedar
