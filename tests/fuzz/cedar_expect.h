#pragma once

// What the fuzz targets of Cedar share.

#include "cedar/authorize.h"
#include "cedar/schema.h"
#include "expect.h"

namespace writ::cedar {

// It has something for every rule of the type checker.
inline const Schema& schema_of_everything() {
  static const Schema kSchema = [] {
    auto parsed = Schema::parse(R"(
      type Name = { first: String, last?: String };
      entity Group in [Group];
      entity Color enum ["red", "green"];
      entity User in [Group] = { name: Name, age?: Long, friends: Set<User>, boss?: User, born: datetime } tags Set<String>;
      entity Doc in [Group] = { owner: User, public: Bool, color?: Color, price: decimal, home: ipaddr, shelf: duration };
      action all;
      action view, edit in [all] appliesTo { principal: [User, Group], resource: Doc, context: { a?: Long, b: { c?: { d: String } } } };)");
    EXPECT(parsed.has_value());
    return std::move(*parsed);
  }();
  return kSchema;
}

inline void check_message(const Message& message) {
  EXPECT(!message.text.empty());
  EXPECT(!message.render().empty());
}

// Whatever has been read can be decided with.
inline void decide(const PolicySet& policies, const Entities& entities) {
  Arena arena;
  const Request request{EntityUid("User", "alice"), EntityUid("Action", "view"), EntityUid("Doc", "a")};
  const Answer answer = authorize(policies, entities, request, arena);
  EXPECT(answer.decision == Decision::deny || !answer.determining.empty());
}

}  // namespace writ::cedar
