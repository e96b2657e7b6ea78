#pragma once

// The data that the benchmark decides over: policies as an administrator's grants table compiles to them (a group of people, an agent,
// a server), people in some groups, servers. The same data goes to the official build as Cedar text and JSON.

#include <cstddef>
#include <string>

#include "cedar/entities.h"
#include "cedar/request.h"

namespace writ::cedar::benchmark {

struct Sizes {
  std::size_t policies;
  std::size_t groups() const { return policies / 10 + 1; }
  std::size_t servers() const { return policies / 20 + 1; }
};
constexpr std::size_t kAgents = 8;
constexpr std::size_t kUsers = 64;
constexpr std::size_t kGroupsPerUser = 5;

// One policy in twenty is a forbid that reads the arguments.
std::string make_policies(Sizes sizes);
Entities make_entities(Sizes sizes);
// The i-th of a cycle of requests; about half are allowed.
Request make_request(Sizes sizes, std::size_t i, Arena& arena);

}  // namespace writ::cedar::benchmark
