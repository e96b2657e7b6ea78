#include "policy/arguments_read.h"

#include <algorithm>

#include "cedar/authorize.h"
#include "policy/question_entities.h"
#include "policy/vocabulary.h"

namespace writ::policy {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<Kept> parse_kept(std::string_view word) {
  if (word == "value") return Kept::value;
  if (word == "digest") return Kept::digest;
  if (word == "never") return Kept::never;
  return std::nullopt;
}

Kept more_careful(Kept a, Kept b) { return std::max(a, b); }

void add_member(ArgumentsRead& read, std::string_view name, Kept kept) {
  const auto [at, is_new] = read.members.try_emplace(std::string(name), kept);
  if (!is_new) at->second = more_careful(at->second, kept);
}

}  // namespace

std::optional<Kept> ArgumentsRead::find(std::string_view member) const {
  const auto found = members.find(member);
  if (found == members.end()) return others;
  return others ? more_careful(found->second, *others) : found->second;
}

Result<RecordAnnotation, std::string> read_record_annotation(std::string_view text) {
  RecordAnnotation annotation;
  std::string_view rest = text;
  do {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string_view part = trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto equals = part.find('=');
    const auto kept = parse_kept(trimmed(equals == std::string_view::npos ? part : part.substr(equals + 1)));
    if (!kept || equals == 0) {
      return unexpected("`@record(\"" + std::string(text.substr(0, 80)) + "\")` is not understood: write `value`, `digest` or `never`, alone or by argument as in `body=digest, token=never`");
    }
    if (equals == std::string_view::npos) {
      annotation.all = *kept;
    } else {
      annotation.members.insert_or_assign(std::string(trimmed(part.substr(0, equals))), *kept);
    }
  } while (!rest.empty());
  return annotation;
}

void ArgumentReaders::add(const cedar::CompiledPolicy& policy) {
  RecordAnnotation annotation;
  if (const auto text = policy.annotation("record")) {
    auto read = read_record_annotation(*text);
    annotation.all = Kept::never;   // not reached for a bundle that compiled; never more than was meant
    if (read) annotation = std::move(read).value();
  }
  readers_.push_back({&policy, std::move(annotation)});
}

std::shared_ptr<const ArgumentsRead> ArgumentReaders::find_readers(const Question& question, const std::vector<ToolPattern>& patterns) const {
  auto read = std::make_shared<ArgumentsRead>();
  cedar::Arena arena;
  const auto asked = ask(question, patterns, arena);
  if (!asked) return read;
  const cedar::Request request{asked->principal, asked->action, asked->resource};
  const auto stored = cedar::find_request_entities(asked->entities, request);
  for (const Reader& reader : readers_) {
    cedar::ast::Policy anybody = reader.policy->tree();
    anybody.principal = {};
    if (!cedar::matches_scope(anybody, stored, request)) continue;
    const auto kept_of = [&](std::string_view member) {
      const auto named = reader.annotation.members.find(member);
      return named == reader.annotation.members.end() ? reader.annotation.all : named->second;
    };
    const cedar::MembersRead members = reader.policy->members_read(cedar::ast::Variable::context, "args");
    for (const std::string_view name : members.names) add_member(*read, name, kept_of(name));
    if (!members.all) continue;
    for (const auto& [name, kept] : reader.annotation.members) add_member(*read, name, kept);
    read->others = more_careful(read->others.value_or(Kept::value), reader.annotation.all);
  }
  return read;
}

std::shared_ptr<const ArgumentsRead> ArgumentReaders::of_call(const Question& question, const std::vector<ToolPattern>& patterns) const {
  static const auto kNothing = std::make_shared<const ArgumentsRead>();
  if (readers_.empty() || !question.tool) return kNothing;
  const ToolFacts& tool = *question.tool;
  std::string key = id_at(question.server.id, tool.name);
  {
    const std::lock_guard lock(cache_->mutex);
    const auto found = cache_->calls.find(key);
    if (found != cache_->calls.end() && found->second.scopes == tool.scopes && found->second.groups == tool.groups && found->second.server_groups == question.server.groups) {
      return found->second.read;
    }
  }
  auto read = find_readers(question, patterns);
  const std::lock_guard lock(cache_->mutex);
  // Names of tools come from callers: what they fill is emptied, not grown.
  if (cache_->calls.size() >= kCachedMax) cache_->calls.clear();
  cache_->calls.insert_or_assign(std::move(key), Cached{tool.scopes, tool.groups, question.server.groups, read});
  return read;
}

}  // namespace writ::policy
