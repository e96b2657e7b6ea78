#pragma once

// The attributes that this server knows (RFC 7643 §2, §4, §8.7): one table from which bodies are read, paths and filters are resolved, and /Schemas is answered.

#include <span>
#include <string>
#include <string_view>

#include "encoding/json.h"

namespace writ::scim {

inline constexpr std::string_view kUserSchema = "urn:ietf:params:scim:schemas:core:2.0:User";
inline constexpr std::string_view kEnterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
inline constexpr std::string_view kGroupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group";

struct Attribute {
  enum class Type { string, boolean, complex, date_time, reference };
  std::string_view name;
  Type type = Type::string;
  bool multi_valued = false;
  bool case_exact = false;
  bool required = false;
  bool read_only = false;
  bool is_unique = false;                    // per server
  std::string_view description{};
  std::span<const Attribute> parts{};        // sub-attributes of a complex one
  bool always_returned = false;

  const Attribute* find(std::string_view part) const;   // names have no case (RFC 7643 §2.1)
};

struct Schema {
  std::string_view id, name, description;
  std::span<const Attribute> attributes;
  const Attribute* find(std::string_view attribute) const;
};

// What resources of one type are made of.
struct ResourceType {
  std::string_view name, endpoint;           // "User", "/Users"
  const Schema* core = nullptr;
  const Schema* extension = nullptr;         // null: none
  // `id`, `externalId`, `schemas`, `meta` (RFC 7643 §3.1), then the core schema.
  const Attribute* find(std::string_view attribute) const;
};
const ResourceType& user_type();
const ResourceType& group_type();

bool is_same_name(std::string_view a, std::string_view b);   // ASCII, without regard to case
std::string lower(std::string_view text);

// As RFC 7643 §7 describes a schema.
json::Value to_json(const Schema& schema);

}  // namespace writ::scim
