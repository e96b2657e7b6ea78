// writ policy shadow and writ policy promote: trying out before deciding.

#include "policy_shadow.h"

#include <cstdio>
#include <memory>

#include "adapters/yaml/bundle_files.h"
#include "admin_client.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

std::string short_version(const std::string& version) { return version.substr(0, 12); }

std::int64_t number_of(const json::Value& object, const char* member) {
  const auto* number = object.find_int(member);
  return number ? *number : 0;
}

void print_total(const json::Value& body, const char* member, const char* words) {
  const json::Value* total = body.find(member);
  if (!total || number_of(*total, "calls") == 0) return;
  const auto calls = number_of(*total, "calls"), people = number_of(*total, "people");
  std::printf("would have %s %lld call%s by %lld %s in 24 h\n", words, static_cast<long long>(calls), calls == 1 ? "" : "s", static_cast<long long>(people), people == 1 ? "person" : "people");
}

void status(Context& context) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/policy/shadow");
  if (!answer) return;
  const json::Value& body = answer->body;
  if (context.json) return print_json(body);
  const json::Value* candidate = body.find("candidate");
  const bool has_candidate = candidate && candidate->is_object();
  if (has_candidate) {
    const std::string reason = text_of(*candidate, "reason");
    std::printf("candidate %s beside version %s, since %s by %s%s%s\n", short_version(text_of(*candidate, "version")).c_str(), short_version(text_of(body, "active_version")).c_str(),
                text_of(*candidate, "started").c_str(), text_of(*candidate, "author").c_str(), reason.empty() ? "" : ": ", reason.c_str());
  }
  if (const std::string policies = text_of(body, "policies"); !policies.empty()) std::printf("@shadow policies: %s\n", policies.c_str());
  if (!has_candidate && text_of(body, "policies").empty()) return static_cast<void>(std::printf("nothing is being tried out\n"));
  print_total(body, "would_block", "blocked");
  print_total(body, "would_hold", "held");
  print_total(body, "would_allow", "newly allowed");
  if (const auto missed = number_of(body, "not_counted"); missed > 0) std::printf("%lld decisions were not counted: the figures are too low\n", static_cast<long long>(missed));
  const json::Array* rows = body.find_array("rows");
  if (!rows || rows->empty()) return static_cast<void>(std::printf("no disagreement in the last 24 h\n"));
  Table table({"would", "who", "via", "call", "times", "last", "example", "by"});
  for (const auto& row : *rows) {
    const std::string would = text_of(row, "would") == "deny" ? "block" : text_of(row, "would");
    const std::string user = text_of(row, "user_name");
    table.add({would, user.empty() ? text_of(row, "user") : user, text_of(row, "agent"), text_of(row, "server") + "/" + text_of(row, "subject"), text_of(row, "calls"), text_of(row, "last"),
               text_of(row, "code"), text_of(row, "of") + " " + text_of(row, "policy")});
  }
  table.print();
}

void start(Context& context, const std::string& path, const std::string& reason) {
  const auto files = yaml::read_bundle_files(path);
  if (!files) {
    std::fprintf(stderr, "writ: %s\n", safe(files.error()).c_str());
    context.exit_code = kFailed;
    return;
  }
  json::Value texts = json::Object{};
  for (const auto& [name, text] : *files) texts.set(name, text);
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/policy/shadow", json::Value{{"files", std::move(texts)}, {"reason", reason}});
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("candidate %s is tried out beside the active version, and enforces nothing\n", short_version(text_of(answer->body, "version")).c_str());
  std::fprintf(stderr, "watch: writ policy shadow status · make it real: writ policy promote · end: writ policy shadow stop\n");
}

void stop(Context& context) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "DELETE", "/admin/v1/policy/shadow");
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("nothing is tried out any more; the active version is as it was\n");
}

void promote(Context& context, const std::string& policy, const std::string& version, const std::string& reason) {
  json::Value body{{"reason", reason}};
  if (!policy.empty()) body.set("policy", policy);
  if (!version.empty()) body.set("version", version);
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/policy/promote", body);
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("version %s is active\n", short_version(text_of(answer->body, "policy_version")).c_str());
}

}  // namespace

void add_policy_shadow(CLI::App& policy, Context& context) {
  const auto path = std::make_shared<std::string>(), reason = std::make_shared<std::string>(), id = std::make_shared<std::string>(), version = std::make_shared<std::string>();
  CLI::App* shadow = policy.add_subcommand("shadow", "try out a whole bundle beside the active one");
  shadow->require_subcommand(0, 1);
  CLI::App* show = shadow->add_subcommand("status", "what it would have changed in the last day");
  show->callback([&context] { status(context); });
  shadow->add_subcommand("stop", "end it; the active version stays")->callback([&context] { stop(context); });
  shadow->add_option("path", *path, "a folder with grants.yaml");
  shadow->add_option("-m,--reason", *reason, "why, for the record");
  shadow->callback([&context, path, reason, shadow] {
    if (!shadow->get_subcommands().empty()) return;
    if (path->empty()) throw CLI::RequiredError("a folder with a bundle, `status` or `stop`");
    start(context, *path, *reason);
  });
  CLI::App* real = policy.add_subcommand("promote", "make the candidate the active version, or enforce one @shadow policy");
  real->add_option("policy", *id, "id of a @shadow policy of the active bundle; without it the candidate");
  real->add_option("--version", *version, "only if the candidate has this version (its first 8 characters or more)");
  real->add_option("-m,--reason", *reason, "why, for the history");
  real->callback([&context, id, version, reason] { promote(context, *id, *version, *reason); });
}

}  // namespace writ::cli::admin
