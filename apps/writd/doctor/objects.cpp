#include "../deployment_rules.h"
#include "../first_objects.h"
#include "adapters/memory/decisions_log.h"
#include "adapters/memory/object_store.h"
#include "adapters/net/run_on.h"
#include "adapters/yaml/yaml.h"
#include "admin/policy_gate.h"
#include "crypto/random.h"
#include "look.h"
#include "registry/plan.h"

namespace writ::writd {
namespace {

const policy::ParseYaml kParse = [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); };

void add_lines(const std::string& text, const char* area, const char* remedy, doctor::Report& report) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) report.wrong(area, text.substr(at, end - at), remedy);
    at = end + 1;
  }
}

void add(const registry::Problems& problems, const char* area, const char* remedy, doctor::Report& report) {
  for (const auto& problem : problems) report.add({problem.is_warning ? doctor::Level::warning : doctor::Level::wrong, area, registry::to_string(problem), remedy});
}

std::string counted(std::size_t count, const char* what) { return std::to_string(count) + " " + what + (count == 1 ? "" : "s"); }

void tell(const registry::Objects& objects, doctor::Report& report) {
  report.good("objects", "the objects can be used: " + counted(objects.users.size(), "user") + ", " + counted(objects.agents.size(), "agent") + ", " + counted(objects.servers.size(), "server") + ", " +
                             counted(objects.identity_connectors.size(), "identity connector") + ", " + counted(objects.trusted_issuers.size(), "trusted issuer"));
}

std::optional<registry::Objects> look_at_stored(const config::Config& config, const registry::Catalogue& catalogue, doctor::Report& report) {
  const auto snapshot = registry::snapshot_of(catalogue);
  if (!snapshot) return add(snapshot.error(), "objects", "the store holds objects that this version does not accept: use the version that wrote them", report), std::nullopt;
  const registry::Objects& objects = snapshot->objects();
  tell(objects, report);
  for (const auto& problem : deployment_rules(config)(objects, {})) {
    report.wrong("objects", registry::to_string(problem), "change the object or the configuration: what it is about is answered with this reason, all else goes on");
  }
  if (!catalogue.policy) return report.warning("policy", "no policy is active: everything is denied", "`writ policy apply` activates one"), objects;
  const auto bundle = policy::read_bundle(catalogue.policy->files, kParse);
  if (!bundle) return add(bundle.error(), "policy", "activate a policy that can be read: until then `writ serve` refuses to start", report), objects;
  const auto tools = policy::ToolCatalogue::of(snapshot->definitions());
  const auto problems = admin::judge(*bundle, policy::World{*snapshot, *tools, config.idp.issuer}, admin::Changing::policy);
  add(problems, "policy", "see `writ policy check` and `writ policy test`", report);
  if (!registry::has_errors(problems)) {
    report.good("policy", "policy version " + std::to_string(catalogue.policy->number) + " validates against the schema of its tools" +
                              (bundle->tests.empty() ? "; it has no tests" : ", and its " + counted(bundle->tests.size(), "test") + " pass"));
  }
  return objects;
}

// The first start's own way, into a store in memory.
std::optional<registry::Objects> look_at_first(const config::Config& config, net::EventLoops& loops, const Clock& clock, doctor::Report& report) {
  const bool has_objects = config.objects.has_value() || !config.objects_path.empty();
  if (!has_objects && config.policy_directory.empty()) {
    report.note("objects", "the store is empty, and the configuration names neither `objects` nor `policy`", "after the start bring them with `writ apply -f` and `writ policy apply`: until then everything is denied");
    return registry::Objects{};
  }
  auto first = read_first_objects(config);
  if (!first) return add_lines(first.error(), "objects", "correct it: the first start refuses it, too", report), std::nullopt;
  memory::MemoryObjectStore store;
  memory::MemoryDecisionsLog log;
  registry::Current current{std::make_shared<registry::Snapshot>(registry::Objects{}, 0)};
  policy::Current policy;
  const crypto::SealingKey sealing_key{Secret(crypto::random_bytes(32))};   // for what nobody keeps
  admin::Administration::Parts parts{store, log, log, current, policy, clock, kParse, &sealing_key, config.idp.issuer};
  parts.check_deployment = deployment_rules(config);
  const bool has_policy = first->policy.has_value();
  auto administration = admin::Administration::open(std::move(parts));
  if (!administration) return report.wrong("objects", administration.error(), "correct it"), std::nullopt;
  const auto applied = net::run_on(loops, apply_first_objects(**administration, std::move(*first)));
  if (!applied) return add_lines(applied.error(), "objects", "correct it: the first start refuses it, too", report), std::nullopt;
  const auto snapshot = (*administration)->snapshot();
  tell(snapshot->objects(), report);
  if (has_policy) report.good("policy", "the policy of `" + config.policy_directory + "` validates and its tests pass: the first start activates it");
  else report.warning("policy", "the configuration names no `policy`: everything is denied", "name a folder with grants.yaml or *.cedar, or use `writ policy apply` later");
  return snapshot->objects();
}

}  // namespace

std::optional<registry::Objects> look_at_objects(const config::Config& config, FoundStore found, net::EventLoops& loops, const Clock& clock, doctor::Report& report) {
  if (!found.is_readable) return report.note("objects", "objects and policy were not looked at, because the store cannot be read"), std::nullopt;
  if (found.catalogue && found.catalogue->sequence > 0) return look_at_stored(config, *found.catalogue, report);
  return look_at_first(config, loops, clock, report);
}

}  // namespace writ::writd
