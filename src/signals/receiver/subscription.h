#pragma once

// Our own stream at another's transmitter: made when there is none, verified, and polled where events are not pushed. What is missing is
// tried again with growing pauses, for as long as the program runs.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "signals/receiver/receiver.h"
#include "signals/receiver/transmitter_directory.h"

namespace writ::signals {

struct SubscriptionSettings {
  std::string issuer;                      // whose events
  bool push = true;
  std::string push_endpoint;               // ours; of push
  std::function<Result<Secret, std::string>()> token;   // that the transmitter gave us; read each time, so that a new one needs no restart
  Milliseconds poll_every{500};
};

// What an answer of the configuration endpoint says of the stream that we want: as it is, or to be made or changed.
struct StreamThere {
  std::string id, poll_url;
  bool fits = false;                       // delivered as we want it, with the events that we obey
};
std::optional<StreamThere> find_stream(const json::Value& answer, const SubscriptionSettings& settings);

class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  // All of it outlives the subscription.
  struct Parts {
    const Clock& clock;
    http::Outgoing& outgoing;
    TransmitterDirectory& directory;
    EventReceiver& receiver;
    std::function<void(const std::string&)> warn;   // a sentence for the operator, when something begins to fail
  };
  Subscription(SubscriptionSettings settings, Parts parts) : settings_(std::move(settings)), parts_(std::move(parts)) {}

  // Starts what is due; one thing at a time. Call on an executor, some ten times a second.
  void tick();
  // Nothing new is started. The parts may go when it is idle.
  void stop() { stopped_ = true; }
  bool is_idle() const;
  bool expects_state(const std::string& state) const;

  struct Summary {
    std::string issuer, stream_id, last_problem;
    bool push = true, verified = false;
    std::optional<Instant> last_success;
  };
  Summary summary() const;

 private:
  using Step = Result<void, std::string>;
  Task<void> run();
  Task<Step> set_up();
  Task<Step> ask_for_verification();
  Task<Step> poll();
  Task<Result<http::OutgoingResponse, std::string>> call(std::string method, std::string url, std::optional<json::Value> body);
  Task<Result<json::Value, std::string>> call_json(std::string method, std::string url, std::optional<json::Value> body);

  SubscriptionSettings settings_;
  Parts parts_;
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;               // of what follows
  bool running_ = false, verified_ = false;
  int failures_ = 0;
  Instant next_{}, set_up_at_{}, state_made_{};
  std::string stream_id_, poll_url_, state_, last_problem_;
  std::optional<Instant> last_success_;
  std::vector<std::string> acknowledged_;  // of the last poll, told with the next
  std::map<std::string, DeliveryError> refused_;
};

}  // namespace writ::signals
