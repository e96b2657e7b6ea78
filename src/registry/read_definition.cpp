// Definitions as documents: {id, definition, pending: {first_seen, definition}, rejected, and the reviewer's overrides}. Digests are not written:
// they follow from what is.

#include <algorithm>

#include "audit/record.h"
#include "registry/check.h"
#include "registry/read.h"

namespace writ::registry {
namespace {

// A definition is shown to models and people, compared, and kept for ever in the history: beyond these it is refused.
constexpr std::size_t kDefinitionBytesMax = 256 * 1024;
constexpr std::size_t kNameBytesMax = 256;

// The wire objects, apart from the document around them: they have any member that a server likes.
struct WireObjects {
  std::shared_ptr<const json::Value> approved, pending;
};

std::optional<bool> optional_flag(Fields& fields, std::string_view name) {
  if (!fields.has(name)) return std::nullopt;
  return fields.flag(name, false);
}

bool is_wire_object(ObjectKind kind, std::string_view name, const json::Value& definition) {
  if (kind == ObjectKind::instructions) return definition.is_string();
  const auto* own_name = definition.find_string("name");
  return own_name && *own_name == name;
}

Definition read(ObjectKind kind, const Node& node, const WireObjects& wire, Problems& problems) {
  Fields fields(node, "a definition of " + std::string(kind == ObjectKind::instructions ? "instructions" : kind == ObjectKind::tool ? "a tool" : "a prompt"), problems);
  Definition read;
  read.kind = kind;
  const std::string id = fields.required_text("id");
  if (auto key = parse_definition_key(kind, id)) {
    read.server = std::move(key->first);
    read.name = std::move(key->second);
  } else if (!id.empty()) {
    fields.error(fields.at("id"), kind == ObjectKind::instructions ? "`id` of instructions is the server's id" : "`id` is the server's id, a slash, and the name: github/create_issue");
  }
  fields.find("definition");
  const auto check = [&](const json::Value& definition, const Position& at) {
    if (!is_wire_object(kind, read.name, definition)) {
      fields.error(at, kind == ObjectKind::instructions ? "instructions are text" : "`definition` is the whole object of the server's list; its `name` must be the one in `id`");
    } else if (json::write(definition).size() > kDefinitionBytesMax) {
      fields.error(at, "a definition has at most 256 KiB");
    }
  };
  if (wire.approved) {
    check(*wire.approved, fields.at("definition"));
    read.approved = wire.approved;
    read.approved_digest = definition_digest(*wire.approved);
  }
  if (const Node* pending = fields.find("pending")) {
    Fields at(*pending, "`pending`", problems);
    Definition::Pending seen;
    seen.first_seen = at.instant("first_seen").value_or(Instant{});
    at.find("definition");
    if (wire.pending) {
      check(*wire.pending, at.at("definition"));
      seen.definition = wire.pending;
      seen.digest = definition_digest(*wire.pending);
      seen.is_only_wording = read.approved && differs_only_in_wording(kind, *read.approved, *wire.pending);
      // What is approved waits for nobody.
      if (seen.digest != read.approved_digest) read.pending = std::move(seen);
    } else {
      at.error(pending->at, "`pending` needs `definition`");
    }
    at.finish();
  }
  read.rejected = fields.text("rejected");
  if (read.rejected == read.approved_digest) read.rejected.clear();
  if (kind == ObjectKind::tool) {
    read.read_only = optional_flag(fields, "read_only");
    read.destructive = optional_flag(fields, "destructive");
    read.idempotent = optional_flag(fields, "idempotent");
    read.open_world = optional_flag(fields, "open_world");
    read.groups = fields.texts("groups");
  }
  fields.finish();
  return read;
}

std::shared_ptr<const json::Value> wire_object(const Node* node) {
  return node && node->kind != Node::Kind::null ? std::make_shared<const json::Value>(to_json(*node)) : nullptr;
}

}  // namespace

Definition read_definition(ObjectKind kind, const Node& node, Problems& problems) {
  const Node* pending = node.find("pending");
  const WireObjects wire{wire_object(node.find("definition")), wire_object(pending ? pending->find("definition") : nullptr)};
  return read(kind, node, wire, problems);
}

Result<Definition, Problems> read_stored_definition(ObjectKind kind, const json::Value& document) {
  // Tens of thousands are read at start: only the small members take the way over nodes.
  WireObjects wire;
  json::Value around = json::Object{};
  const auto take = [](const json::Value& from, json::Value& rest, std::shared_ptr<const json::Value>& into) {
    for (const auto& member : *from.as_object()) {
      if (member.name == "definition") into = std::make_shared<const json::Value>(member.value);
      else rest.set(member.name, member.value);
    }
  };
  if (!document.is_object()) return unexpected(Problems{{Position{"/"}, "a definition is a mapping"}});
  take(document, around, wire.approved);
  if (const json::Value* pending = around.find("pending"); pending && pending->is_object()) {
    json::Value rest = json::Object{};
    take(*pending, rest, wire.pending);
    around.set("pending", std::move(rest));
  }
  Problems problems;
  Definition definition = read(kind, from_json(around, "/" + std::string(collection(kind)) + "/" + key_of(kind, document)), wire, problems);
  if (has_errors(problems)) return unexpected(std::move(problems));
  return definition;
}

json::Value write(const Definition& definition) {
  json::Value out{{"id", definition.key()}};
  if (definition.approved) out.set("definition", *definition.approved);
  if (definition.pending) {
    out.set("pending", json::Value{{"first_seen", audit::to_iso8601(definition.pending->first_seen)}, {"definition", *definition.pending->definition}});
  }
  if (!definition.rejected.empty()) out.set("rejected", definition.rejected);
  const std::pair<const char*, const std::optional<bool>*> overrides[] = {{"read_only", &definition.read_only}, {"destructive", &definition.destructive},
                                                                          {"idempotent", &definition.idempotent}, {"open_world", &definition.open_world}};
  for (const auto& [name, value] : overrides) {
    if (*value) out.set(name, **value);
  }
  if (!definition.groups.empty()) out.set("groups", json::from_strings(definition.groups));
  return out;
}

std::optional<std::string> unreviewable(ObjectKind kind, std::string_view name, const json::Value& definition) {
  if (!is_wire_object(kind, name, definition)) return "it is not of the form that MCP gives it";
  if (name.size() > kNameBytesMax) return "its name is longer than 256 bytes";
  const bool has_control = std::any_of(name.begin(), name.end(), [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F; });
  if (has_control) return "its name has control characters";
  if (json::write(definition).size() > kDefinitionBytesMax) return "it is larger than 256 KiB";
  return std::nullopt;
}

}  // namespace writ::registry
