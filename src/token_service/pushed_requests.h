#pragma once

// Authorization requests that clients pushed (RFC 9126): what a browser carries is then only a name for them. A request lives for a minute, and whoever lost
// one pushes it again. Bounded, and bounded for each client, so that nobody fills the place of others.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "encoding/form.h"
#include "token_service/request_home.h"

namespace writ::token_service {

// Whether it names a request of this kind; whether one is there, find says.
bool is_pushed_request_uri(std::string_view text);

// Safe to share between threads.
class PushedRequests final : public registry::DocumentOwner {
 public:
  static constexpr Seconds kBeginsWithin{60};    // from being pushed to the browser's coming
  static constexpr Seconds kSignInWithin{600};   // from there to the code
  static constexpr std::size_t kMax = 10'000, kOfOneClientMax = 200;

  PushedRequests() = default;   // of a process alone
  static Result<std::shared_ptr<PushedRequests>, Unavailable> open(RequestHome home);

  // The new `request_uri`. Absent: there are too many.
  Task<Result<std::optional<std::string>, Unavailable>> add(std::string client_id, form::Parameters parameters, Instant now);
  // The browser comes with it, and from here on the person types. The page may be loaded again, the request is the same. Nothing happens to one that find() does not find.
  Task<Result<void, Unavailable>> begin(std::string request_uri, std::string client_id, Instant now);
  // The request of that name if it is that client's. `begins`: the browser has just come with it; otherwise a sign-in that it began goes on.
  enum class Use { begins, goes_on };
  std::optional<form::Parameters> find(std::string_view request_uri, std::string_view client_id, Use use, Instant now) const;
  // A code is given for it: true once, whichever nodes are asked. No second code comes of one request.
  Task<Result<bool, Unavailable>> take(std::string request_uri, Instant now);
  void forget_expired(Instant now);

  std::string_view table() const override { return home_.table(); }
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    std::string client_id;
    form::Parameters parameters;
    Instant begins_until{}, ends{};
    bool taken = false;
    std::int64_t version = 1;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;   // by digest of the name: whoever reads the store begins nothing with it
  explicit PushedRequests(RequestHome home) : home_(std::move(home)) {}
  // Under the lock.
  void put_in(std::string key, Entry entry);
  void count(const std::string& client_id, int more);
  void erase_expired(Instant now);
  registry::Document document_of(const Entries::value_type& item) const;

  RequestHome home_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::map<std::string, std::size_t, std::less<>> of_client_;   // that are not taken
  std::size_t waiting_ = 0;                                      // the sum of these
};

}  // namespace writ::token_service
