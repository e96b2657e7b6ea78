#include "token_service/idp/authentication_context.h"

#include <algorithm>

namespace writ::token_service::idp {
namespace {

const std::string& delivered(const registry::AuthenticationLevel& level) { return level.expected_acr.empty() ? level.acr : level.expected_acr; }

// A level that does not say by what it is recognised is not for us to claim.
bool reaches(Means means, const registry::AuthenticationLevel& level) {
  if (level.acr.empty() || level.expected_amr.empty()) return false;
  const auto amr = amr_of(means);
  return std::all_of(level.expected_amr.begin(), level.expected_amr.end(), [&](const std::string& one) { return std::find(amr.begin(), amr.end(), one) != amr.end(); });
}

// The acr that a sign-in by these means has when this value was asked for; empty: they do not meet it.
std::string acr_for(Means means, const std::string& asked, Levels levels, const Settings& settings) {
  for (const auto& level : levels) {
    if (level.acr == asked && reaches(means, level)) return delivered(level);
  }
  if (asked == settings.acr_password || (asked == settings.acr_second_factor && means == Means::password_and_code)) return asked;
  return {};
}

}  // namespace

std::vector<std::string> amr_of(Means means) {
  if (means == Means::password) return {"pwd"};
  return {"pwd", "otp", "mfa"};
}

std::optional<Means> means_for(const std::vector<std::string>& acr_values, Levels levels, const Settings& settings) {
  if (acr_values.empty()) return Means::password;
  for (const Means means : {Means::password, Means::password_and_code}) {
    if (std::any_of(acr_values.begin(), acr_values.end(), [&](const std::string& asked) { return !acr_for(means, asked, levels, settings).empty(); })) return means;
  }
  return std::nullopt;
}

std::string acr_of(Means means, const std::vector<std::string>& acr_values, Levels levels, const Settings& settings) {
  for (const std::string& asked : acr_values) {
    if (std::string acr = acr_for(means, asked, levels, settings); !acr.empty()) return acr;
  }
  std::string best = means == Means::password ? settings.acr_password : settings.acr_second_factor;
  for (const auto& level : levels) {   // the weakest first
    if (reaches(means, level)) best = delivered(level);
  }
  return best;
}

bool meets(const Session& session, const std::vector<std::string>& acr_values, Levels levels) {
  if (acr_values.empty()) return true;
  return std::any_of(acr_values.begin(), acr_values.end(), [&](const std::string& asked) {
    const auto level = std::find_if(levels.begin(), levels.end(), [&](const auto& one) { return one.acr == asked; });
    return session.acr == (level == levels.end() ? asked : delivered(*level));
  });
}

}  // namespace writ::token_service::idp
