#pragma once

// What clients that register themselves need of the rest of the program: changes of agents by the one way for changes.

#include <atomic>
#include <memory>

#include "admin/administration.h"
#include "token_service/client_registration.h"

namespace writ::writd {

// As scim_parts.h: until use() nothing can be changed.
class AdministeredAgents final : public token_service::SelfRegisteredAgents {
 public:
  void use(admin::Administration& administration) { administration_.store(&administration); }

  Task<Result<void, std::variant<token_service::EditRefused, Unavailable>>> change(std::string author, std::string peer, std::string reason, token_service::AgentEditing editing) override;

 private:
  std::atomic<admin::Administration*> administration_ = nullptr;
};

struct ClientRegistrationParts {
  AdministeredAgents agents;
  std::unique_ptr<token_service::ClientRegistration> idp, resource_as;   // null: not offered
};

}  // namespace writ::writd
