#pragma once

// Authorization requests that clients pushed (RFC 9126): what a browser carries is then only a name for them. Memory alone: a request lives for a minute, and
// whoever lost one pushes it again. Bounded, and bounded for each client, so that nobody fills the place of others.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "encoding/form.h"

namespace writ::token_service {

// Whether it names a request of this kind; whether one is there, find says.
bool is_pushed_request_uri(std::string_view text);

// Safe to share between threads.
class PushedRequests {
 public:
  static constexpr Seconds kBeginsWithin{60};    // from being pushed to the browser's coming
  static constexpr Seconds kSignInWithin{600};   // from there to the code
  static constexpr std::size_t kMax = 10'000, kOfOneClientMax = 200;

  // The new `request_uri`. Absent: there are too many.
  std::optional<std::string> add(std::string client_id, form::Parameters parameters, Instant now);
  // The request of that name if it is that client's. `begins`: the browser has just come with it; otherwise a sign-in that it began goes on.
  enum class Use { begins, goes_on };
  std::optional<form::Parameters> find(std::string_view request_uri, std::string_view client_id, Use use, Instant now);
  // A code is given for it: true once. No second code comes of one request.
  bool take(std::string_view request_uri, Instant now);

 private:
  struct Entry {
    std::string client_id;
    form::Parameters parameters;
    Instant begins_until{}, ends{};
  };
  void forget_expired(Instant now);   // under the lock

  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, std::size_t, std::less<>> of_client_;
};

}  // namespace writ::token_service
