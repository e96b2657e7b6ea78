#pragma once

// Takes the chunked coding off a body (RFC 9112 §7.1), strictly and in any pieces. Every CR must be followed by LF and every LF preceded by
// CR: readers that were lenient here let requests be smuggled (CVE-2025-22871, CVE-2025-43859). Extensions (without quoted
// strings) and trailers are read over, bounded and discarded: nobody behind this code may be influenced by them.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/head.h"

namespace writ::http {

class ChunkedDecoder {
 public:
  // Reads from the front of `bytes`, appends what it decodes to `out`, and answers how many bytes it took. It takes everything until the
  // body ends or `out` has reached `out_bytes_max`; a body with more bytes than `body_bytes_max` is refused (413).
  Result<std::size_t, BadMessage> feed(std::string_view bytes, std::string& out, std::size_t out_bytes_max, std::uint64_t body_bytes_max);
  bool is_done() const { return state_ == State::done; }

 private:
  enum class State { size_first, size, extension, size_lf, data, data_cr, data_lf, trailer_start, trailer_name, trailer, trailer_lf, end_lf, done };

  State state_ = State::size_first;
  std::uint64_t remaining_ = 0;
  std::uint64_t total_ = 0;
  std::size_t digits_ = 0;
  std::size_t overhead_ = 0;   // bytes of extensions and trailers so far, of the whole body
};

}  // namespace writ::http
