#pragma once

// Inside crypto/ only: digests by size, on contexts that each thread keeps.

#include <string_view>

namespace writ::crypto {

enum class DigestKind { sha256, sha384 };
struct Digest {
  unsigned char bytes[48];
  unsigned int size = 0;
};
Digest digest(DigestKind kind, std::string_view message);

}  // namespace writ::crypto
