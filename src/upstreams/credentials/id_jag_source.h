#pragma once

// The identity provider of the same deployment, as the gateway asks it for an ID-JAG in somebody's name (rules §3.8). The program plugs it in.

#include <memory>
#include <string>

#include "base/secret.h"
#include "upstreams/upstream.h"

namespace writ::upstreams {

struct IdJagWanted {
  std::string server;                              // id; audience, resource and scopes follow from the IdP's own objects
  std::string user, agent;                         // ids of the person and of the *calling* agent
  std::shared_ptr<const Principal> principal;      // whose access token the gateway verified
};
struct IssuedIdJag {
  Secret assertion;
  std::string scope, client_id;                    // the gateway's client at the audience, which alone may redeem it
};

// Safe to share between threads; resumes on the caller's executor.
class IdJagSource {
 public:
  virtual ~IdJagSource() = default;
  // Failure::credential with a sentence that says why not. What is refused is recorded there.
  virtual Task<Result<IssuedIdJag, Failure>> issue(IdJagWanted wanted) = 0;
  // Changes whenever the same question could be answered otherwise.
  virtual std::string decided_on() const = 0;
};

}  // namespace writ::upstreams
