#pragma once

// Security events of this deployment: the transmitter beside the identity provider, the receivers beside both roles, and our own streams
// at the transmitters of others.

#include <functional>
#include <memory>
#include <vector>

#include "admin/api.h"
#include "registry/stored_revocations.h"
#include "signals/receiver/global_token_revocation.h"
#include "signals/receiver/receiver.h"
#include "signals/receiver/subject_access.h"
#include "signals/receiver/subscription.h"
#include "signals/receiver/transmitter_directory.h"
#include "signals/transmitter/people_watch.h"
#include "signals/transmitter/transmitter.h"
#include "token_service/key_rotation.h"

namespace writ::writd {

struct SecurityEvents {
  explicit SecurityEvents(http::Outgoing& outgoing) : directory(outgoing) {}

  // Sending. Null where no receiver may have a stream.
  std::unique_ptr<token_service::RotatingKeys> keys;
  std::unique_ptr<signals::Streams> streams;
  std::unique_ptr<signals::Outbox> outbox;
  std::shared_ptr<signals::Transmitter> transmitter;
  std::unique_ptr<signals::PeopleWatch> people;

  // Receiving.
  std::unique_ptr<signals::SeenTokens> seen;
  signals::TransmitterDirectory directory;
  std::unique_ptr<signals::SubjectAccess> access;
  std::unique_ptr<signals::EventReceiver> for_resource_as, for_idp;
  std::unique_ptr<signals::GlobalTokenRevocation> global_token_revocation;
  std::vector<std::shared_ptr<signals::Subscription>> subscriptions;

  // Sends and asks for what is due. Runs on a loop, some ten times a second.
  void check(const std::shared_ptr<const registry::Snapshot>& present);
  void stop();
  bool is_idle() const;
};

class RoleSignals final : public admin::SignalAdministration {
 public:
  explicit RoleSignals(SecurityEvents& events) : events_(events) {}
  std::vector<admin::EventStream> streams() const override;
  std::vector<admin::EventSubscription> subscriptions() const override;
  Task<Result<bool, Unavailable>> set_status(std::string stream, std::string status, std::string reason, std::string actor, std::string peer) override;
  Task<Result<bool, Unavailable>> remove(std::string stream, std::string actor, std::string peer) override;

 private:
  SecurityEvents& events_;
};

}  // namespace writ::writd
