#pragma once

// What sign-in at upstream providers needs of the rest of the program: changes of people by the one way for changes, and the secrets that Writ presents.

#include <atomic>

#include "admin/administration.h"
#include "crypto/seal.h"
#include "token_service/idp/federation/federation.h"

namespace writ::writd {

// Changes go through admin::Administration, which is opened after the roles are built: until use() nothing can be changed.
class AdministeredPeople final : public token_service::idp::PeopleChanges {
 public:
  void use(admin::Administration& administration) { administration_.store(&administration); }

  using Failure = token_service::idp::PersonChangeFailure;
  Task<Result<void, Failure>> create(registry::User user, std::string connector, std::string peer) override;
  Task<Result<void, Failure>> set_link(std::string user_id, registry::User::Link link, std::string connector, std::string peer) override;
  Task<Result<void, Failure>> set_not_before(std::string user_id, Instant moment, std::string connector, std::string peer) override;

  // For whoever else changes people: `actor` is the record's. `edit` says whether there is anything to write.
  Task<Result<void, Failure>> create_as(registry::User user, const char* reason, std::string actor, std::string peer);
  Task<Result<void, Failure>> edit_as(std::string user_id, std::function<bool(registry::User&)> edit, const char* reason, std::string actor, std::string peer);

 private:
  std::atomic<admin::Administration*> administration_ = nullptr;
};

class StoredConnectorSecrets final : public token_service::idp::ConnectorSecrets {
 public:
  explicit StoredConnectorSecrets(const Secret& sealing_key) : key_(sealing_key) {}
  // A file is read each time, so a rotated secret needs no restart.
  Result<Secret, Unavailable> secret_of(const registry::IdentityConnector& connector) const override;

 private:
  crypto::SealingKey key_;
};

}  // namespace writ::writd
