#include "registry/signals.h"

#include <algorithm>

namespace writ::registry {

void read_signals(Fields& fields, ApiToken& token) { token.audience = fields.text("audience"); }
void read_signals(Fields& fields, TrustedIssuer& issuer) { issuer.signals = fields.flag("signals", false); }

void write_signals(json::Value& out, const ApiToken& token) {
  if (!token.audience.empty()) out.set("audience", token.audience);
}
void write_signals(json::Value& out, const TrustedIssuer& issuer) {
  if (issuer.signals) out.set("signals", true);
}

std::vector<std::pair<std::string, std::string>> problems_of_signals(const ApiToken& token, const std::vector<std::string>& receivers) {
  std::vector<std::pair<std::string, std::string>> problems;
  if (token.role != "signals") {
    if (!token.audience.empty()) problems.emplace_back("audience", "`audience` is for API tokens with `role: signals`: it names the receiver of security events");
    return problems;
  }
  // Whoever receives events learns of people by the name that its ID-JAGs give them, so it must be known here as one of those that get ID-JAGs.
  if (token.audience.empty()) {
    problems.emplace_back("", "an API token with `role: signals` needs `audience`: the `issuer` of the resource authorization server that receives events with it");
  } else if (std::find(receivers.begin(), receivers.end(), token.audience) == receivers.end()) {
    problems.emplace_back("audience", "there is no resource authorization server `" + token.audience.substr(0, 100) + "`: `audience` names the `issuer` of one of them");
  }
  return problems;
}

}  // namespace writ::registry
