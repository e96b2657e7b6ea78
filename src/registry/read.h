#pragma once

// The one schema of the admin-owned objects (docs/reference/objects.md): YAML files, the admin API and the store are all read here.
//
// Credentials. What rests anywhere is a hash. A document may say a credential in clear (`password`, `secret`, `token`: for evaluation and
// for the admin API), name a file (`password_file`, …) or give the hash. What a document does not mention stays as it is, so that a
// file in git needs to know nobody's password.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "registry/fields.h"
#include "registry/node.h"
#include "registry/object_kind.h"
#include "registry/objects.h"
#include "registry/snapshot.h"

namespace writ::registry {

struct Reading {
  // Reads a file that a document names; `at` is where it is named (relative paths start at that document's folder). Empty: documents may
  // name no files (the admin API: a caller must not make the server read files).
  std::function<Result<Secret, std::string>(const std::string& path, const Position& at)> secret_file;
  Problems problems;
};

// One object as a document declares it.
struct Declared {
  ObjectKind kind = ObjectKind::user;
  std::string key;                    // id, or issuer. Empty: a user without `id`, who is found by name or gets a new one
  std::string name;                   // of a user
  Node node;                          // for places
  json::Value document;               // as write() has it; credentials that were not mentioned are absent
  std::optional<Secret> password;     // given in clear: kept as it is hashed now if it matches, else hashed anew
  std::optional<Secret> client_secret;   // of an identity connector, given in clear: sealed before it is stored
};

// A mapping of collections to lists: {users: [...], agents: [...]}. Problems are in `reading`.
std::vector<Declared> read_objects(const Node& root, Reading& reading);
Declared read_object(ObjectKind kind, const Node& node, Reading& reading);
// Files one after the other: lists of the same collection are joined. Anything else stays for read_objects to complain about.
Node join_documents(std::vector<Node> roots);

// From a complete document (the store's). Definitions are not among them: those are read one by one.
Result<Objects, Problems> read_all(const std::vector<std::pair<ObjectKind, json::Value>>& documents);

json::Value write(const User& user);
json::Value write(const Group& group);
json::Value write(const Agent& agent);
json::Value write(const Server& server);
json::Value write(const ResourceAs& resource_as);
json::Value write(const TrustedIssuer& issuer);
json::Value write(const ApiToken& token);
json::Value write(const IdentityConnector& connector);
json::Value write(const AuthenticationLevel& level);
json::Value write(const DecisionPoint& point);
json::Value write(const Limit& limit);
json::Value write(const Definition& definition);

Definition read_definition(ObjectKind kind, const Node& node, Problems& problems);
Result<Definition, Problems> read_stored_definition(ObjectKind kind, const json::Value& document);
// Why nobody could review what a server says, and it is never shown: a sentence's end. Absent: it can be reviewed.
std::optional<std::string> unreviewable(ObjectKind kind, std::string_view name, const json::Value& definition);

std::string key_of(ObjectKind kind, const json::Value& document);

// What may be shown to people who may read objects: no hashes; instead `has_password`, and how many secrets there are.
json::Value without_credentials(ObjectKind kind, json::Value document);

// Lower-case hex of SHA-256, as client secrets and API tokens are kept.
std::string sha256_hex(const Secret& secret);

}  // namespace writ::registry
