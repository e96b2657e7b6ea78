#pragma once

// What a sign-in is worth (`acr`), and what it takes to be worth what is asked for (`acr_values`, OIDC Core §3.1.2.1; rules §4.7). For people
// who sign in here: a password alone, or with a one-time code. Pure.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "registry/objects.h"
#include "token_service/idp/settings.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {

enum class Means { password, password_and_code };
std::vector<std::string> amr_of(Means means);   // RFC 8176

using Levels = std::span<const registry::AuthenticationLevel>;

// The means that one of `acr_values` needs at least; a password when nothing is asked. Absent: none of them can be met here.
std::optional<Means> means_for(const std::vector<std::string>& acr_values, Levels levels, const Settings& settings);
// The `acr` of a sign-in by these means: that of the first asked value that they meet, else of the strongest level.
std::string acr_of(Means means, const std::vector<std::string>& acr_values, Levels levels, const Settings& settings);
// Whether a session has what is asked for: exactly, for a policy may name it.
bool meets(const Session& session, const std::vector<std::string>& acr_values, Levels levels);

}  // namespace writ::token_service::idp
