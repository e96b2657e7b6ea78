#include "client/failure.h"

namespace writ::client {

constexpr std::size_t kShownMax = 300;

std::string printable(const std::string& text) {
  std::string result;
  for (const char character : text) {
    if (result.size() == kShownMax) break;
    result += character >= 0x20 && character < 0x7F ? character : ' ';
  }
  return result;
}

}  // namespace writ::client
