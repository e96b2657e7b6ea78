#pragma once

// Signing people in at upstream OpenID Connect providers, and taking their ID tokens as subject tokens (docs/reference/federation.md):
// what this needs from outside. Null in Idp: there are no upstream providers.

#include <string>
#include <variant>

#include "base/clock.h"
#include "base/secret.h"
#include "http/message.h"
#include "jose/remote_key_set.h"
#include "registry/snapshot.h"
#include "token_service/idp/federation/provider_metadata.h"

namespace writ::token_service::idp {

// The change does not fit what is there: somebody has the name or the link already. `why` is for the record.
struct ChangeRefused {
  std::string why;
};
using PersonChangeFailure = std::variant<ChangeRefused, Unavailable>;

// Sign-in creates people and writes links; these are changes of objects like any other, so they go the one way that all of these go: planned,
// checked, recorded, stored. The program plugs it in. Afterwards the registry's snapshot has them. Safe to share between threads.
class PeopleChanges {
 public:
  virtual ~PeopleChanges() = default;
  // `connector` is the actor of the record. The new person's id is the directory's to choose.
  virtual Task<Result<void, PersonChangeFailure>> create(registry::User user, std::string connector, std::string peer) = 0;
  // Adds the link, or replaces the one of the same (issuer, tenant, subject).
  virtual Task<Result<void, PersonChangeFailure>> set_link(std::string user_id, registry::User::Link link, std::string connector, std::string peer) = 0;
  // Everything of this person from before that moment is refused; an earlier one changes nothing.
  virtual Task<Result<void, PersonChangeFailure>> set_not_before(std::string user_id, Instant moment, std::string connector, std::string peer) = 0;
};

// The secret that Writ presents at the provider.
class ConnectorSecrets {
 public:
  virtual ~ConnectorSecrets() = default;
  virtual Result<Secret, Unavailable> secret_of(const registry::IdentityConnector& connector) const = 0;
};

struct Federation {
  Federation(http::Outgoing& to_providers, jose::RemoteKeySets& provider_keys, PeopleChanges& changes, const ConnectorSecrets& presented)
      : outgoing(to_providers), keys(provider_keys), people(changes), secrets(presented), providers(to_providers) {}
  http::Outgoing& outgoing;
  jose::RemoteKeySets& keys;
  PeopleChanges& people;
  const ConnectorSecrets& secrets;
  ProviderDirectory providers;
};

}  // namespace writ::token_service::idp
