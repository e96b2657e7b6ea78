// cedar-benchmark: what a decision, parsing and a policy's memory cost. The targets stand beside each.
//
//   build/release/bin/cedar-benchmark                                    all of it
//   cedar-benchmark --write-data DIR POLICIES                            the same data as files
//   node benchmarks/cedar/official.mjs build/release/bin/cedar-benchmark  beside the official build

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <vector>

#include "cedar/authorize.h"
#include "cedar/parser.h"
#include "cedar/partial.h"
#include "cedar/policy_set.h"
#include "cedar/value_json.h"
#include "grants.h"

namespace writ::cedar::benchmark {
namespace {

constexpr std::size_t kRequests = 4096;

PolicySet compile(Sizes sizes) { return PolicySet::parse(make_policies(sizes)).value_or(PolicySet()); }

// Targets for the median: 10 policies 1 µs, 1,000 policies 3 µs, 10,000 policies 10 µs.
void decide(::benchmark::State& state) {
  const Sizes sizes{static_cast<std::size_t>(state.range(0))};
  const PolicySet policies = compile(sizes);
  const Entities entities = make_entities(sizes);
  Arena requests_arena;
  std::vector<Request> requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests.push_back(make_request(sizes, i, requests_arena));

  // Each decision is timed by itself for the median; the clock costs some 25 ns, which stay in the figure.
  Arena arena;
  std::vector<std::int64_t> nanoseconds;
  nanoseconds.reserve(1 << 20);
  std::size_t next = 0, allowed = 0;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    arena.clear();
    const Answer answer = authorize(policies, entities, requests[next], arena);
    const auto end = std::chrono::steady_clock::now();
    allowed += answer.decision == Decision::allow ? 1 : 0;
    next = (next + 1) % kRequests;
    if (nanoseconds.size() < nanoseconds.capacity()) nanoseconds.push_back(std::chrono::nanoseconds(end - begin).count());
  }
  std::sort(nanoseconds.begin(), nanoseconds.end());
  state.counters["median_ns"] = static_cast<double>(nanoseconds[nanoseconds.size() / 2]);
  state.counters["p99_ns"] = static_cast<double>(nanoseconds[nanoseconds.size() * 99 / 100]);
  state.counters["allowed_share"] = static_cast<double>(allowed) / static_cast<double>(state.iterations());
  state.counters["bytes_per_policy"] = static_cast<double>(policies.bytes()) / static_cast<double>(sizes.policies);   // target: 2048
}
BENCHMARK(decide)->Arg(10)->Arg(1'000)->Arg(10'000);

// What listing tools asks: the arguments are not known.
void decide_partially(::benchmark::State& state) {
  const Sizes sizes{static_cast<std::size_t>(state.range(0))};
  const PolicySet policies = compile(sizes);
  const Entities entities = make_entities(sizes);
  Arena requests_arena;
  std::vector<PartialRequest> requests;
  for (std::size_t i = 0; i < kRequests; ++i) {
    const Request request = make_request(sizes, i, requests_arena);
    std::vector<PartialMember> members;
    for (const Member& member : request.context.members()) members.push_back({member.key, member.key == "args" ? PartialValue::unknown() : PartialValue::known(member.value)});
    requests.push_back({PartialEntity::known(request.principal), request.action, PartialEntity::known(request.resource), PartialValue::record(requests_arena, members), {}});
  }
  Arena arena;
  std::size_t next = 0;
  for (auto _ : state) {
    arena.clear();
    ::benchmark::DoNotOptimize(authorize_partially(policies, entities, requests[next], arena).decision);
    next = (next + 1) % kRequests;
  }
}
BENCHMARK(decide_partially)->Arg(10)->Arg(1'000)->Arg(10'000);

// Target: 20 MB/s.
void parse(::benchmark::State& state) {
  const std::string text = make_policies({10'000});
  for (auto _ : state) ::benchmark::DoNotOptimize(parse_policies(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK(parse)->Unit(::benchmark::kMillisecond);

void compile_set(::benchmark::State& state) {
  const auto parsed = parse_policies(make_policies({10'000}));
  for (auto _ : state) ::benchmark::DoNotOptimize(PolicySet::compile(*parsed));
}
BENCHMARK(compile_set)->Unit(::benchmark::kMillisecond);

json::Value to_json(const Entities& entities) {
  json::Array array;
  for (const StoredEntity* entity : entities.all()) {
    json::Array parents;
    for (const EntityUid& parent : entity->parents) parents.push_back(cedar::to_json(parent));
    array.push_back({{"uid", cedar::to_json(entity->uid)}, {"attrs", cedar::to_json(entity->attributes)}, {"parents", std::move(parents)}});
  }
  return array;
}

// policies.cedar, entities.json and requests.json, with our decisions for comparison.
int write_data(const std::string& folder, std::size_t count) {
  const Sizes sizes{count};
  const PolicySet policies = compile(sizes);
  const Entities entities = make_entities(sizes);
  Arena arena;
  json::Array requests;
  for (std::size_t i = 0; i < 256; ++i) {
    const Request request = make_request(sizes, i, arena);
    const bool is_allowed = authorize(policies, entities, request, arena).decision == Decision::allow;
    requests.push_back({{"principal", cedar::to_json(request.principal)}, {"action", cedar::to_json(request.action)}, {"resource", cedar::to_json(request.resource)},
                        {"context", cedar::to_json(request.context)}, {"decision", is_allowed ? "allow" : "deny"}});
  }
  std::ofstream(folder + "/policies.cedar") << make_policies(sizes);
  std::ofstream(folder + "/entities.json") << json::write(to_json(entities));
  std::ofstream last(folder + "/requests.json");
  last << json::write(requests);
  return last.good() ? 0 : 1;
}

}  // namespace
}  // namespace writ::cedar::benchmark

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--write-data") == 0) return writ::cedar::benchmark::write_data(argv[2], std::strtoull(argv[3], nullptr, 10));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
