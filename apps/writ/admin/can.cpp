// writ can USER SERVER[/TOOL] --via AGENT: would it be allowed, and by which rule.

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "explanation_output.h"
#include "output.h"
#include "registry/fields.h"

namespace writ::cli::admin {
namespace {

struct Arguments {
  std::string user, target, agent, scope, resource, prompt, arguments, acr, amr, age, ip, at;
};

int wrong_usage(const std::string& sentence) {
  std::fprintf(stderr, "writ: %s\n", safe(sentence).c_str());
  return kUsage;
}

// Absent: said what is wrong and set the exit code.
std::optional<json::Value> to_request(const Arguments& given, Context& context) {
  json::Value body{{"user", given.user}, {"agent", given.agent}};
  // Ids of servers have no slash; names of tools may.
  const auto slash = given.target.find('/');
  body.set("server", given.target.substr(0, slash));
  if (slash != std::string::npos) body.set("tool", given.target.substr(slash + 1));
  const std::pair<const char*, const std::string&> texts[] = {{"scope", given.scope}, {"resource", given.resource}, {"prompt", given.prompt}, {"acr", given.acr}, {"ip", given.ip}, {"at", given.at}};
  for (const auto& [name, text] : texts) {
    if (!text.empty()) body.set(name, text);
  }
  if (!given.amr.empty()) {
    json::Array methods;
    std::string_view rest = given.amr;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      methods.push_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    body.set("amr", std::move(methods));
  }
  if (!given.age.empty()) {
    const auto age = registry::parse_duration(given.age);
    if (!age) return context.exit_code = wrong_usage("`--age " + given.age + "` is no duration: write it as in 90s, 10m, 12h or 7d"), std::nullopt;
    body.set("age", static_cast<std::int64_t>(std::chrono::duration_cast<Seconds>(*age).count()));
  }
  if (!given.arguments.empty()) {
    auto arguments = json::parse(given.arguments);
    if (!arguments || !arguments->is_object()) return context.exit_code = wrong_usage("`--args` must be a JSON object, as in '{\"repo\": \"prod\"}'"), std::nullopt;
    body.set("arguments", std::move(*arguments));
  }
  return body;
}

void can(Context& context, const Arguments& given) {
  const auto body = to_request(given, context);
  if (!body) return;
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/can", *body);
  if (!answer) return;
  const bool* allowed = answer->body.find_bool("allowed");
  context.exit_code = allowed && *allowed ? kDone : kDenied;
  if (context.json) return print_json(answer->body);
  std::printf("%s\n\n", allowed && *allowed ? "allowed" : "denied");
  print_legs(answer->body);
  print_ways(answer->body);
}

}  // namespace

void add_can(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("can", "would it be allowed, and by which rule; exit code 3 when it would be denied");
  const auto given = std::make_shared<Arguments>();
  command->add_option("user", given->user, "name or id of a user")->required();
  command->add_option("target", given->target, "a server, or SERVER/TOOL")->required();
  command->add_option("--via", given->agent, "the agent")->required();
  command->add_option("--scope", given->scope, "a scope of the server; with a tool, the scope that the agent asks for");
  command->add_option("--resource", given->resource, "read this resource");
  command->add_option("--prompt", given->prompt, "get this prompt");
  command->add_option("--args", given->arguments, "the call's arguments, a JSON object");
  command->add_option("--acr", given->acr, "how the person signed in: authentication context class");
  command->add_option("--amr", given->amr, "methods of the sign-in, as in pwd,otp");
  command->add_option("--age", given->age, "how long ago the person signed in, as in 10m");
  command->add_option("--ip", given->ip, "the caller's address");
  command->add_option("--at", given->at, "when, as in 2026-11-24T16:45:00Z; now by default");
  command->callback([&context, given] { can(context, *given); });
}

}  // namespace writ::cli::admin
