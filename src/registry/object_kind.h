#pragma once

// The kinds of objects that administrators own, and what each is called in documents, tables, paths and messages.

#include <optional>
#include <string_view>

namespace writ::registry {

enum class ObjectKind { user, group, agent, server, resource_as, trusted_issuer, api_token, identity_connector, authentication_level, decision_point,
                        limit, tool, prompt, instructions };
// In the order in which they may refer to each other.
inline constexpr ObjectKind kObjectKinds[] = {ObjectKind::group,          ObjectKind::user,      ObjectKind::resource_as, ObjectKind::agent,
                                              ObjectKind::server,         ObjectKind::trusted_issuer, ObjectKind::api_token,   ObjectKind::identity_connector,
                                              ObjectKind::authentication_level, ObjectKind::decision_point, ObjectKind::limit,
                                              ObjectKind::tool,           ObjectKind::prompt,    ObjectKind::instructions};
std::string_view collection(ObjectKind kind);       // "users", "trusted_issuers": the key in documents, tables and paths
std::string_view noun(ObjectKind kind);             // "user", "trusted issuer": for messages
std::optional<ObjectKind> parse_collection(std::string_view name);

// Kinds that hold what a server says about itself (definitions.h). There can be tens of thousands of them.
inline bool is_definition(ObjectKind kind) { return kind == ObjectKind::tool || kind == ObjectKind::prompt || kind == ObjectKind::instructions; }

}  // namespace writ::registry
