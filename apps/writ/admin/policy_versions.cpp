// writ policy show, history, compare, restore: what is active, what was, and how to get it back.

#include <cstdio>
#include <memory>
#include <set>

#include "output.h"
#include "policy_words.h"
#include "text_diff.h"

namespace writ::cli::admin {
namespace {

std::string version_path(std::uint64_t number) { return number == 0 ? "/admin/v1/policy" : "/admin/v1/policy/versions/" + std::to_string(number); }

void show(Context& context, std::uint64_t number) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", version_path(number));
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("# version %s, %s, activated %s by %s%s%s\n", text_of(answer->body, "number").c_str(), text_of(answer->body, "version").substr(0, 12).c_str(),
              text_of(answer->body, "time").c_str(), text_of(answer->body, "author").c_str(), text_of(answer->body, "reason").empty() ? "" : ": ", text_of(answer->body, "reason").c_str());
  for (const auto& file : *answer->body.find_object("files")) std::printf("# --- %s\n%s", safe(file.name).c_str(), text_of(*answer->body.find("files"), file.name).c_str());
  if (const std::string cedar = text_of(answer->body, "grants_as_cedar"); !cedar.empty()) std::printf("# --- grants.yaml, as the Cedar policies that it stands for\n%s", cedar.c_str());
}

struct Page {
  std::uint64_t limit = 50, before = 0;
  bool all = false;
};

void history(Context& context, const Page& page) {
  const AdminClient client(context);
  json::Array items;
  std::uint64_t before = page.before;
  while (true) {
    const std::string query = "?limit=" + std::to_string(page.all ? 1000 : page.limit) + (before == 0 ? "" : "&before=" + std::to_string(before));
    auto answer = client.ask(context, "GET", "/admin/v1/policy/history" + query);
    if (!answer) return;
    const json::Array& found = *answer->body.find_array("items");
    for (const auto& item : found) items.push_back(item);
    if (!page.all || found.empty()) break;
    const auto* last = found.back().find_int("number");
    if (!last || *last <= 1) break;
    before = static_cast<std::uint64_t>(*last);
  }
  if (context.json) return print_json(json::Value{{"items", std::move(items)}});
  Table table({"number", "version", "time", "author", "reason"});
  for (const auto& item : items) {
    table.add({text_of(item, "number"), text_of(item, "version").substr(0, 12), text_of(item, "time"), text_of(item, "author"), text_of(item, "reason")});
  }
  table.print();
}

// The texts. What people gain and lose by a version is another question: writ policy diff.
void compare(Context& context, std::uint64_t from, std::uint64_t to) {
  const AdminClient client(context);
  const auto before = client.ask(context, "GET", version_path(from));
  const auto after = before ? client.ask(context, "GET", version_path(to)) : std::nullopt;
  if (!after) return;
  const json::Value &old_files = *before->body.find("files"), &new_files = *after->body.find("files");
  std::set<std::string> names;
  for (const auto* files : {&old_files, &new_files}) {
    for (const auto& file : *files->as_object()) names.insert(file.name);
  }
  json::Value differences = json::Object{};
  for (const std::string& name : names) {
    const std::string *old_text = old_files.find_string(name), *new_text = new_files.find_string(name);
    const std::string difference = text_diff(old_text ? *old_text : "", new_text ? *new_text : "");
    if (difference.empty() && old_text && new_text) continue;
    differences.set(name, difference);
    if (context.json) continue;
    const std::string old_name = old_text ? "version " + text_of(before->body, "number") + "/" + name : "(none)";
    const std::string new_name = new_text ? "version " + text_of(after->body, "number") + "/" + name : "(none)";
    std::printf("--- %s\n+++ %s\n%s", safe(old_name).c_str(), safe(new_name).c_str(), safe(difference).c_str());
  }
  const bool differ = !differences.as_object()->empty();
  if (context.json) print_json(json::Value{{"from", text_of(before->body, "number")}, {"to", text_of(after->body, "number")}, {"files", std::move(differences)}});
  if (!context.json && !differ) std::printf("the same files\n");
  context.exit_code = differ ? kDifference : kDone;
}

void restore(Context& context, std::uint64_t number, const std::string& reason) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", version_path(number) + "/restore", json::Value{{"reason", reason}});
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  print_activation(*answer, true);
}

}  // namespace

void add_policy_versions(CLI::App& policy, Context& context) {
  const auto number = std::make_shared<std::uint64_t>(0), other = std::make_shared<std::uint64_t>(0);
  CLI::App* word = policy.add_subcommand("show", "a version of the bundle; without a number the active one");
  word->add_option("number", *number, "of the version, as `writ policy history` has it")->check(CLI::PositiveNumber);
  word->callback([&context, number] { show(context, *number); });

  const auto page = std::make_shared<Page>();
  word = policy.add_subcommand("history", "versions, newest first");
  word->add_option("--limit", page->limit, "how many")->check(CLI::Range(1, 1000))->capture_default_str();
  word->add_option("--before", page->before, "only those numbered below this")->check(CLI::PositiveNumber);
  word->add_flag("--all", page->all, "all of them");
  word->callback([&context, page] { history(context, *page); });

  word = policy.add_subcommand("compare", "the lines in which two versions differ (exit code 7 when they do)");
  word->add_option("from", *number, "the number of a version")->required()->check(CLI::PositiveNumber);
  word->add_option("to", *other, "the number of another; left out: the active one")->check(CLI::PositiveNumber);
  word->callback([&context, number, other] { compare(context, *number, *other); });

  const auto reason = std::make_shared<std::string>();
  word = policy.add_subcommand("restore", "activate what an old version holds, as a new version and through all checks");
  word->add_option("number", *number, "of the version")->required()->check(CLI::PositiveNumber);
  word->add_option("-m,--reason", *reason, "why, for the history")->required();
  word->callback([&context, number, reason] { restore(context, *number, *reason); });
}

}  // namespace writ::cli::admin
