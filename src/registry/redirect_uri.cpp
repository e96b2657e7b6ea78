#include "registry/redirect_uri.h"

#include <algorithm>

#include "encoding/uri.h"

namespace writ::registry {
namespace {

bool is_of_scheme(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '.' || letter == '-' || letter == '+'; }

}  // namespace

bool is_redirect_uri(std::string_view text) {
  if (text.find('#') != std::string_view::npos || text.find('*') != std::string_view::npos) return false;
  if (const auto parsed = uri::parse(text)) return uri::is_secure_or_loopback(*parsed) && !parsed->has_userinfo;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.size() <= colon + 1) return false;
  const auto scheme = text.substr(0, colon), rest = text.substr(colon + 1);
  return scheme.find('.') != std::string_view::npos && scheme.front() != '.' && std::all_of(scheme.begin(), scheme.end(), is_of_scheme) &&
         std::all_of(rest.begin(), rest.end(), [](char letter) { return letter > 0x20 && letter < 0x7F; });
}

}  // namespace writ::registry
