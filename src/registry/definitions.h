#pragma once

// What servers say about themselves, as far as a person approved it: tools, prompts and instructions (rules §5.5). A definition is bound to its
// server; what the server says now, when that is something else, waits beside it. Immutable and shared by catalogue and snapshot.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "encoding/json.h"
#include "registry/object_kind.h"

namespace writ::registry {

// SHA-256 over the canonical JSON of a definition, in lower-case hex: two texts that differ only in the order of members are one definition.
std::string definition_digest(const json::Value& definition);

struct Definition {
  ObjectKind kind = ObjectKind::tool;
  std::string server, name;                       // the name is empty for instructions
  std::shared_ptr<const json::Value> approved;    // the whole wire object, of instructions the text; null: nothing is approved yet
  std::string approved_digest;

  struct Pending {
    std::shared_ptr<const json::Value> definition;
    std::string digest;
    Instant first_seen{};
    bool is_only_wording = false;                 // differs from the approved one in `title` and `description` alone; instructions are all wording
  };
  std::optional<Pending> pending;                 // what the server says now
  std::string rejected;                           // digest of what somebody looked at and refused: while the server says it, it is held and no news

  // The reviewer's word against the server's annotations (rules §1.8).
  std::optional<bool> read_only, destructive, idempotent, open_world;
  std::vector<std::string> groups;                // tool groups, for policy

  std::uint64_t version = 0;                      // sequence of the change that wrote it

  std::string key() const;                        // server/name; of instructions: server
  bool is_news() const { return pending && pending->digest != rejected; }
  // Whether clients may see and use the approved definition. A change of the server's holds it, unless only words changed and the server's
  // setting is to keep the reviewed ones.
  bool is_usable(bool keeps_reviewed_wording) const { return approved && (!pending || (keeps_reviewed_wording && pending->is_only_wording)); }
};

// Whether policy cannot tell the two apart: the same approved definition with the same attributes and groups.
bool has_same_effect(const Definition& a, const Definition& b);
bool differs_only_in_wording(ObjectKind kind, const json::Value& approved, const json::Value& now);

// "github/create_issue" → github, create_issue; of instructions the whole key is the server. Absent: the key has no such form.
std::optional<std::pair<std::string, std::string>> parse_definition_key(ObjectKind kind, std::string_view key);

// Cheap to copy: servers that did not change are shared between copies. Not to be changed while another thread copies or reads this same object.
class Definitions {
 public:
  using Shelf = std::map<std::pair<ObjectKind, std::string>, std::shared_ptr<const Definition>>;   // of one server

  // Null when there is none.
  std::shared_ptr<const Definition> find(ObjectKind kind, std::string_view server, std::string_view name) const;
  std::shared_ptr<const Definition> find(ObjectKind kind, std::string_view key) const;
  const Shelf* of(std::string_view server) const;
  // Whether the server's definitions are the same as in `other`, told without looking at each.
  bool is_shared(std::string_view server, const Definitions& other) const { return of(server) == other.of(server); }
  void for_each(ObjectKind kind, const std::function<void(const std::shared_ptr<const Definition>&)>& visit) const;
  std::vector<std::string> servers() const;
  std::size_t size() const;

  void set(std::shared_ptr<const Definition> definition);
  void erase(ObjectKind kind, std::string_view key);

 private:
  Shelf& own(const std::string& server);
  std::map<std::string, std::shared_ptr<Shelf>, std::less<>> shelves_;
};

}  // namespace writ::registry
