#include "object_command.h"

#include <cstdio>
#include <memory>

#include "adapters/yaml/yaml.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

using registry::ObjectKind;

struct Arguments {
  std::string key;
  std::vector<std::string> members;
  bool lock_me_out = false;
};

std::string path_of(ObjectKind kind) { return "/admin/v1/" + std::string(registry::collection(kind)); }
std::string path_of(ObjectKind kind, const std::string& key) { return path_of(kind) + "/" + path_segment(key); }

// groups=[eng], active=false, idp.client_id=desk: the value is read as YAML. Absent: said on standard error.
bool set_member(json::Value& object, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    std::fprintf(stderr, "writ: write member=value, not `%s`\n", safe(assignment).c_str());
    return false;
  }
  const std::string name = assignment.substr(0, equals);
  auto value = yaml::parse(assignment.substr(equals + 1), name);
  if (!value) {
    std::fputs(safe(registry::to_string(value.error())).c_str(), stderr);
    return false;
  }
  const auto dot = name.find('.');
  if (dot == std::string::npos) {
    object.set(name, registry::to_json(*value));
    return true;
  }
  const json::Value* present = object.find(name.substr(0, dot));
  json::Value inner = present && present->is_object() ? *present : json::Value(json::Object{});
  inner.set(name.substr(dot + 1), registry::to_json(*value));
  object.set(name.substr(0, dot), std::move(inner));
  return true;
}

void list(Context& context, const ObjectWords& words) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", path_of(words.kind));
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  Table table(words.columns);
  for (const auto& item : *answer->body.find_array("items")) {
    std::vector<std::string> row;
    for (const std::string& column : words.columns) row.push_back(column == "active" ? (item.find_bool("active") && !*item.find_bool("active") ? "no" : "yes") : text_of(item, column));
    table.add(std::move(row));
  }
  table.print();
}

void show(Context& context, const ObjectWords& words, const std::string& key) {
  const AdminClient client(context);
  const auto object = find_object(context, client, words.kind, key);
  if (!object) return;
  if (context.json) return print_json(*object);
  for (const auto& member : *object->as_object()) std::printf("%s: %s\n", member.name.c_str(), text_of(*object, member.name).c_str());
}

void add(Context& context, const ObjectWords& words, const Arguments& arguments) {
  json::Value object = json::Object{};
  object.set(words.kind == ObjectKind::user ? "name" : words.key_member, arguments.key);
  for (const auto& assignment : arguments.members) {
    if (!set_member(object, assignment)) {
      context.exit_code = kUsage;
      return;
    }
  }
  const AdminClient client(context);
  // A user's id is the server's to choose, so people are added as documents; `add` of what is there already would change it.
  if (const auto all = client.ask(context, "GET", path_of(words.kind))) {
    for (const auto& item : *all->body.find_array("items")) {
      if (text_of(item, words.key_member) != arguments.key && text_of(item, "name") != arguments.key) continue;
      std::fprintf(stderr, "writ: there is a %s `%s` already: writ %s edit\n", words.word, safe(arguments.key).c_str(), words.word);
      context.exit_code = kFailed;
      return;
    }
  } else {
    return;
  }
  json::Value objects = json::Object{};
  objects.set(registry::collection(words.kind), json::Array{object});
  const auto done = client.ask(context, "POST", "/admin/v1/apply", json::Value{{"objects", std::move(objects)}});
  if (!done) return;
  if (context.json) return print_json(done->body);
  for (const auto& change : *done->body.find_array("changes")) std::printf("added %s %s\n", words.word, text_of(change, "key").c_str());
}

void edit(Context& context, const ObjectWords& words, const Arguments& arguments) {
  const AdminClient client(context);
  auto object = find_object(context, client, words.kind, arguments.key);
  if (!object) return;
  for (const auto& assignment : arguments.members) {
    if (!set_member(*object, assignment)) {
      context.exit_code = kUsage;
      return;
    }
  }
  if (put_object(context, client, words.kind, *object, arguments.lock_me_out) && !context.json) std::printf("changed %s %s\n", words.word, safe(arguments.key).c_str());
}

void remove(Context& context, const ObjectWords& words, const Arguments& arguments) {
  const AdminClient client(context);
  const auto object = find_object(context, client, words.kind, arguments.key);
  if (!object) return;
  const std::string key = registry::key_of(words.kind, *object);
  const auto done = client.ask(context, "DELETE", path_of(words.kind, key) + (arguments.lock_me_out ? "?lock_me_out=true" : ""), std::nullopt, "\"" + text_of(*object, "version") + "\"");
  if (!done) return;
  if (context.json) return print_json(done->body);
  std::printf("removed %s %s\n", words.word, safe(arguments.key).c_str());
}

}  // namespace

std::optional<json::Value> find_object(Context& context, const AdminClient& client, ObjectKind kind, const std::string& key) {
  const auto answer = client.ask(context, "GET", path_of(kind));
  if (!answer) return std::nullopt;
  const auto* items = answer->body.find_array("items");
  for (const auto& item : *items) {
    if (registry::key_of(kind, item) == key) return item;
  }
  std::vector<std::string> names;
  for (const auto& item : *items) {
    if (kind == ObjectKind::user && text_of(item, "name") == key) return item;
    names.push_back(kind == ObjectKind::user ? text_of(item, "name") : registry::key_of(kind, item));
  }
  const std::string meant = registry::nearest(key, names);
  std::fprintf(stderr, "writ: there is no %s `%s`%s\n", std::string(registry::noun(kind)).c_str(), safe(key).c_str(), meant.empty() ? "" : ("; did you mean `" + safe(meant) + "`?").c_str());
  context.exit_code = kFailed;
  return std::nullopt;
}

bool put_object(Context& context, const AdminClient& client, ObjectKind kind, const json::Value& object, bool lock_me_out) {
  const std::string path = path_of(kind, registry::key_of(kind, object)) + (lock_me_out ? "?lock_me_out=true" : "");
  const auto done = client.ask(context, "PUT", path, object, "\"" + text_of(object, "version") + "\"");
  if (done && context.json) print_json(done->body);
  return done.has_value();
}

CLI::App* add_object_command(CLI::App& parent, Context& context, const ObjectWords& words) {
  CLI::App* command = parent.add_subcommand(words.word, words.help);
  command->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();
  const auto with_key = [&](CLI::App* verb) { verb->add_option("key", arguments->key, words.kind == ObjectKind::user ? "name or id" : words.key_member)->required(); };
  const auto with_lock_out = [&](CLI::App* verb) { verb->add_flag("--lock-me-out", arguments->lock_me_out, "also when it takes away your own or the last administrator's access"); };

  command->add_subcommand("list", "all of them")->callback([&context, words] { list(context, words); });
  CLI::App* verb = command->add_subcommand("show", "one of them");
  with_key(verb);
  verb->callback([&context, words, arguments] { show(context, words, arguments->key); });
  verb = command->add_subcommand("add", "a new one; members as name=value, the value in YAML: groups=[eng] active=false");
  with_key(verb);
  verb->add_option("members", arguments->members, "name=value");
  verb->callback([&context, words, arguments] { add(context, words, *arguments); });
  verb = command->add_subcommand("edit", "set members: name=value; idp.client_id=value for those inside");
  with_key(verb);
  verb->add_option("members", arguments->members, "name=value")->required();
  with_lock_out(verb);
  verb->callback([&context, words, arguments] { edit(context, words, *arguments); });
  if (words.can_be_disabled) {
    for (const bool active : {false, true}) {
      verb = command->add_subcommand(active ? "enable" : "disable", active ? "let it be used again" : "refuse it from now on; nothing is removed");
      with_key(verb);
      verb->callback([&context, words, arguments, active] {
        arguments->members = {active ? "active=true" : "active=false"};
        edit(context, words, *arguments);
      });
    }
  }
  verb = command->add_subcommand("remove", "remove one that nothing refers to");
  with_key(verb);
  with_lock_out(verb);
  verb->callback([&context, words, arguments] { remove(context, words, *arguments); });
  return command;
}

}  // namespace writ::cli::admin
