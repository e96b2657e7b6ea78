#pragma once

// Which names a schema declares, and what a reference to one means (reference, "Names").

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "cedar/message.h"
#include "cedar/schema_declarations.h"
#include "cedar/type.h"

namespace writ::cedar {

// `Bool Long String decimal ipaddr datetime duration`; nothing for any other name.
std::optional<Type::Kind> find_built_in(std::string_view name);
inline constexpr std::string_view kBuiltInNamespace = "__cedar";

// `N::X`, or `X` where N is empty.
std::string qualify(std::string_view name_space, std::string_view name);

class SchemaNames {
 public:
  enum class Allowed : std::uint8_t { any, entity, common };
  // Exactly one is set.
  struct Meaning {
    const declared::CommonType* common = nullptr;
    std::string_view common_namespace;     // where `common` is declared
    std::string_view entity;               // the full name
    std::optional<Type::Kind> built_in;
  };

  // Refuses forbidden names, names that are declared twice and names that hide one of the empty namespace. Borrows the declarations.
  static Result<SchemaNames, Message> collect(const declared::Schema& schema);

  // What a name means that is written in `name_space`; nothing when it means nothing that is allowed.
  std::optional<Meaning> find(std::string_view name_space, std::string_view name, Allowed allowed) const;
  // Every name that may be written there, for suggestions.
  std::vector<std::string_view> candidates(Allowed allowed) const;

 private:
  struct Declared {
    const declared::CommonType* common = nullptr;
    const declared::EntityType* entity = nullptr;
    bool is_action_type = false;
    std::string_view name_space;
  };

  Result<void, Message> add(const declared::Schema& schema, const declared::Namespace& space);
  Result<void, Message> check_shadowing(const declared::Schema& schema) const;

  std::unordered_map<std::string, Declared> declared_;   // by full name
};

}  // namespace writ::cedar
