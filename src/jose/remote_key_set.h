#pragma once

// The keys of others, remembered: trusted issuers at the resource authorization server, clients with private_key_jwt at the IdP, the
// resource authorization server's own keys at the gateway. (Threats N2 to N6, rules §2, OB-125.)
//
//   fresh        a known kid is answered from memory, without waiting and without a lock that another core holds;
//   unknown kid  asks the source once more, at most every 30 seconds for each source, whatever came of it;
//   background   refresh_due() fetches every set again before it is five minutes old, so a withdrawn key is refused within five minutes;
//   outage       the last good keys stay for 24 hours; nothing that is no usable set replaces them.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/shared_cell.h"
#include "base/task.h"
#include "http/message.h"
#include "jose/fetch_keys.h"
#include "jose/jwk.h"

namespace writ::jose {

// Safe to share between threads. `outgoing` outlives this and every fetch that this started.
class RemoteKeySets {
 public:
  struct Settings {
    Seconds refresh_after{240};      // background: with some room to be done before trusted_for is over
    Seconds trusted_for{300};        // older keys are fetched again before they are used, unless the source is known to be down
    Seconds cooldown{30};            // between two attempts for one source
    Seconds kept_for{24 * 3600};     // last good keys during an outage
    Seconds idle_for{24 * 3600};     // sources that nobody asked for are forgotten, watched ones apart
    std::size_t sources_max = 10'000;
  };
  using Keys = std::shared_ptr<const KeySet>;   // never empty

  explicit RemoteKeySets(http::Outgoing& outgoing);
  RemoteKeySets(http::Outgoing& outgoing, Settings settings);
  ~RemoteKeySets();

  // The keys of that source; they may still lack `kid`, which verification then says. Unavailable when there are none: never a yes.
  // Waits for at most one fetch (under six seconds). Call on an executor.
  Task<Result<Keys, Unavailable>> find(KeySource source, std::optional<std::string> kid, Instant now);

  // The same for a client's key URI (token_service's ClientKeys): null when there are none.
  Task<Keys> find_at(std::string jwks_uri, bool chosen_by_a_stranger, std::optional<std::string> kid, Instant now);

  // Somebody who knows says that the keys of this issuer are other ones now: the next use fetches them, cool-down or not.
  void expect_change(std::string_view issuer);
  // Sources that are refreshed from the start and are never forgotten: the configured issuers.
  void watch(const KeySource& source, Instant now);
  // Starts what is due and returns how many fetches that were. Call every few seconds, on an executor.
  std::size_t refresh_due(Instant now);

  struct Status {
    KeySource source;
    std::size_t keys = 0;
    std::optional<Instant> fetched_at;               // the last success
    std::optional<KeyFetchProblem> problem;          // why the last attempt failed, if it did
  };
  std::vector<Status> status() const;   // for `doctor` and metrics

 private:
  struct Entry;
  using Entries = std::map<KeySource, std::shared_ptr<Entry>>;

  std::shared_ptr<Entry> entry_for(const KeySource& source, Instant now);
  void forget_idle(Instant now);
  void start(const std::shared_ptr<Entry>& entry, Instant now);

  http::Outgoing& outgoing_;
  const Settings settings_;
  SharedCell<const Entries> entries_;
  std::mutex changing_;   // of entries_: readers take a snapshot
};

}  // namespace writ::jose
