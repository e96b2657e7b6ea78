#include "token_service/cookies.h"

namespace writ::token_service {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::string> Cookies::find(const http::Request& request, std::string_view name) {
  std::optional<std::string> found;
  for (std::string_view rest : request.headers.find_all("Cookie")) {
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trimmed(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      if (found) return std::nullopt;
      found = std::string(pair.substr(equals + 1));
    }
  }
  return found;
}

std::string Cookies::set(std::string_view name, std::string_view value) const {
  // Lax, not Strict: applications send people here from other sites, and the session must come along (rules of sessions).
  return std::string(name) + "=" + std::string(value) + "; Path=/; HttpOnly; SameSite=Lax" + (secure_ ? "; Secure" : "");
}

std::string Cookies::clear(std::string_view name) const { return set(name, "") + "; Max-Age=0"; }

}  // namespace writ::token_service
