#include <string_view>

#include "encoding/form.h"
#include "encoding/utf8.h"
#include "expect.h"

namespace form = writ::form;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parameters = form::parse(text);
  if (!parameters) return 0;
  for (const auto& [name, value] : parameters->pairs()) {
    EXPECT(!value.empty());
    EXPECT(writ::utf8::is_valid(name) && writ::utf8::is_valid(value));
    EXPECT(value.find_first_of(std::string_view("\0\r\n\t", 4)) == std::string::npos);
  }
  const auto again = form::parse(form::write(parameters->pairs()), {.bytes_max = 1 << 20});
  EXPECT(again && again->pairs() == parameters->pairs());
  return 0;
}
