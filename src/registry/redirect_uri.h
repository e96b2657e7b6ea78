#pragma once

// What may be registered as a redirect URI.

#include <string_view>

namespace writ::registry {

// https, http on loopback, or a private-use scheme with a dot in it (RFC 8252 §7.1); exact, so no pattern.
bool is_redirect_uri(std::string_view text);

}  // namespace writ::registry
