#include <string_view>

#include "expect.h"
#include "scim/filter.h"

namespace scim = writ::scim;

// Filters and paths of a directory: refused with a reason, or asked of a person without harm. What a filter requires holds for whoever it matches.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto person = *writ::json::parse(R"({"id":"usr_1","userName":"alice","active":true,"name":{"familyName":"Example"},"emails":[{"value":"a@corp.example","type":"work","primary":true}],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales"},"meta":{"created":"2026-01-01T00:00:00Z"}})");
  const auto filter = scim::parse_filter(text, scim::user_type());
  if (filter) {
    const bool matches = scim::matches(*filter, person);
    const auto name = scim::required_value(*filter, "userName");
    EXPECT(!matches || !name || scim::is_same_name(*name, "alice"));
  } else {
    EXPECT(!filter.error().detail.empty() && filter.error().type == scim::ScimType::invalid_filter);
  }
  const auto path = scim::parse_path(text, scim::user_type());
  EXPECT(path ? (path->attribute || !path->extension.empty()) : path.error().type == scim::ScimType::invalid_path);
  return 0;
}
