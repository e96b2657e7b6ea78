#include "cedar/schema_json.h"
#include "cedar/schema_parser.h"
#include "cedar/schema_printer.h"
#include "cedar_expect.h"

namespace writ::cedar {
namespace {

void try_schema(const declared::Schema& declarations) {
  const auto resolved = Schema::resolve(declarations);
  if (!resolved) check_message(resolved.error());
  const auto again = parse_schema_json(print_schema_json(declarations));
  // Annotations on the empty namespace and names that are no names have no place in JSON's reader; both are refused when resolved.
  EXPECT(again.has_value() || !resolved);
  const auto printed = print_schema(declarations);
  if (!printed) return check_message(printed.error());
  const auto reread = parse_schema(*printed);
  EXPECT(reread.has_value());
  const auto reprinted = print_schema(*reread);
  EXPECT(reprinted && *reprinted == *printed);
  EXPECT(Schema::resolve(*reread).has_value() == resolved.has_value());
}

void try_schemas(std::string_view bytes) {
  if (const auto declarations = parse_schema(bytes)) {
    try_schema(*declarations);
    EXPECT(*parse_schema(bytes) == *declarations);
    if (const auto printed = print_schema(*declarations)) {
      const auto reread = parse_schema(*printed);
      EXPECT(reread && *reread == *declarations);
    }
  } else {
    check_message(declarations.error());
  }
  if (const auto declarations = parse_schema_json(bytes)) {
    try_schema(*declarations);
    const auto again = parse_schema_json(print_schema_json(*declarations));
    EXPECT(again && *again == *declarations);
  } else {
    check_message(declarations.error());
  }
}

}  // namespace
}  // namespace writ::cedar

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  writ::cedar::try_schemas({reinterpret_cast<const char*>(data), size});
  return 0;
}
