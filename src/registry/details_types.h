#pragma once

// The types of authorization details (RFC 9396) that authorization servers say they support: those of their servers.

#include <string>
#include <string_view>
#include <vector>

#include "registry/snapshot.h"

namespace writ::registry {

// Of the active servers that this resource authorization server governs; of all when `issuer` is empty. Each once, sorted.
std::vector<std::string> details_types(const Snapshot& objects, std::string_view issuer = {});

inline constexpr std::string_view kDetailsTypesSupported = "authorization_details_types_supported";   // RFC 9396 §10, RFC 9728 §2

}  // namespace writ::registry
