#include "cedar/entity_validation.h"
#include "cedar/policy_set.h"
#include "cedar/value_json.h"
#include "cedar_expect.h"

namespace writ::cedar {
namespace {

void try_entities(std::string_view bytes) {
  const auto parsed = json::parse(bytes, {.bytes_max = 1 << 20, .depth_max = 100, .members_max = 100'000});
  if (!parsed) return;
  const auto valid = read_valid_entities(*parsed, schema_of_everything());
  if (!valid) check_message(valid.error());
  const auto entities = read_entities(*parsed);
  if (!entities) return check_message(entities.error());
  for (const StoredEntity* entity : entities->all()) {
    Arena arena;
    const auto again = read_value(to_json(entity->attributes), arena);
    EXPECT(again && *again == entity->attributes);
  }
  static const PolicySet kPolicies = *PolicySet::parse("permit(principal in Group::\"g\", action, resource) when { principal.name == resource.owner.name };");
  decide(kPolicies, valid ? *valid : *entities);
}

}  // namespace
}  // namespace writ::cedar

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  writ::cedar::try_entities({reinterpret_cast<const char*>(data), size});
  return 0;
}
