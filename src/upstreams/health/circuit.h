#pragma once

// Whether a server that failed is asked again. Plain rules with `now` passed in; whoever shares it takes the lock.

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace writ::upstreams::health {

struct Settings {
  int failures_max = 5;                       // in a row, after which the circuit opens; 0: never
  Seconds retry{10}, retry_max{120};          // after which one request may try; doubled each time that it fails
  std::size_t waiting_max = 256;              // requests to one server that wait for its answer to begin
  std::size_t waiting_per_principal_max = 64; // of these, for one principal: nobody's slow calls keep the others out
};

class Circuit {
 public:
  enum class State {
    closed,      // everything goes
    open,        // nothing goes until `retry_at`
    half_open,   // one request tries
  };
  enum class Passage { ordinary, probe };

  // The error: after how long one may try.
  Result<Passage, Seconds> enter(const Settings& settings, Instant now);
  void succeed();
  void fail(const Settings& settings, Passage passage, Instant now);
  // The request ended without saying anything about the server.
  void leave(Passage passage);

  State state(Instant now) const;
  int failures() const { return failures_; }                       // in a row
  std::optional<Instant> failing_since() const { return failing_since_; }
  std::optional<Instant> retry_at() const { return retry_at_; }    // while it is open

 private:
  int failures_ = 0;
  std::optional<Instant> failing_since_, retry_at_;
  std::optional<Instant> probe_until_;   // a probe that has said nothing by then is not waited for
  Seconds retry_after_{0};
};
std::string_view to_string(Circuit::State state);

}  // namespace writ::upstreams::health
