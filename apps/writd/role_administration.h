#pragma once

// Keys, sessions and upstreams of the running roles, as the admin API asks for them.

#include "admin/api.h"
#include "parts.h"

namespace writ::writd {

class RoleKeys final : public admin::KeyAdministration {
 public:
  explicit RoleKeys(Deployment::Parts& parts) : parts_(parts) {}
  std::vector<admin::KeySummary> list(Instant now) const override;
  Task<Result<std::optional<std::string>, Unavailable>> rotate(std::string use, bool at_once, Instant now) override;
  Task<Result<std::optional<Withdrawn>, Unavailable>> withdraw(std::string kid, Instant now) override;

 private:
  token_service::RotatingKeys* keys_of(std::string_view use) const;
  Deployment::Parts& parts_;
};

class RoleSessions final : public admin::SessionAdministration {
 public:
  explicit RoleSessions(Deployment::Parts& parts) : parts_(parts) {}
  std::vector<admin::SessionInfo> list(std::string_view user_id) const override;
  Task<Result<void, Unavailable>> end(std::string sid, std::string actor, std::string peer) override;
  Task<Result<void, Unavailable>> end_of_user(std::string user_id, std::string actor, std::string peer) override;
  Task<Result<bool, Unavailable>> reset_factor(std::string user_id, std::string actor, std::string peer) override;

 private:
  Deployment::Parts& parts_;
};

class RoleUpstreams final : public admin::UpstreamStates {
 public:
  explicit RoleUpstreams(Deployment::Parts& parts) : parts_(parts) {}
  std::vector<admin::UpstreamState> list(Instant now) const override;

 private:
  Deployment::Parts& parts_;
};

}  // namespace writ::writd
