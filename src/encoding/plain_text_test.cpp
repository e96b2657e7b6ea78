#include "encoding/plain_text.h"

#include <gtest/gtest.h>

#include <string>

namespace writ {
namespace {

bool is_plain(unsigned char byte) { return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\'; }

TEST(PlainPrefix, EndsAtEveryByteThatIsNotPlainWhereverItStands) {
  for (std::size_t size = 0; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(plain_prefix(text), is_plain(static_cast<unsigned char>(byte)) ? size : at) << size << " " << at << " " << byte;
      }
    }
  }
}

TEST(PlainPrefix, FindsTheFirstOfTwo) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{'a', 'b', static_cast<char>(first), static_cast<char>(second), 'c', 'd', 'e', 'f', 'g'};
      const bool plain_first = is_plain(static_cast<unsigned char>(first)), plain_second = is_plain(static_cast<unsigned char>(second));
      ASSERT_EQ(plain_prefix(text), !plain_first ? 2U : !plain_second ? 3U : text.size()) << first << " " << second;
    }
  }
}

}  // namespace
}  // namespace writ
