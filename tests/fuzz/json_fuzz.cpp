#include <algorithm>
#include <string_view>

#include "encoding/json.h"
#include "encoding/utf8.h"
#include "expect.h"

namespace json = writ::json;

namespace {

void expect_unique_names(const json::Value& value) {
  if (const auto* array = value.as_array())
    for (const json::Value& element : *array) expect_unique_names(element);
  if (const auto* object = value.as_object()) {
    for (const json::Member& member : *object) {
      EXPECT(value.find(member.name) == &member.value);
      EXPECT(writ::utf8::is_valid(member.name));
      expect_unique_names(member.value);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = json::parse(text);
  if (!value) return 0;
  expect_unique_names(*value);
  const std::string written = json::write(*value);
  EXPECT(writ::utf8::is_valid(written));
  const auto again = json::parse(written, {.bytes_max = 8 << 20});
  EXPECT(again && *again == *value);
  const std::string canonical = json::write_canonical(*value);
  const auto sorted = json::parse(canonical, {.bytes_max = 8 << 20});
  EXPECT(sorted && json::write_canonical(*sorted) == canonical);
  return 0;
}
