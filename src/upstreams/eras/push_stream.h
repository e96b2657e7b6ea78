#pragma once

// The GET stream of a session, on which a server of the legacy era says what belongs to no call, and the resources that the session is
// subscribed to. There is one, however many listen (TR-34). It is opened when somebody wants it, and again when it breaks.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/message.h"

namespace writ::upstreams {

class LegacySession;
struct Context;
struct EraParts;

// At the session's home; a part of it.
class PushStream {
 public:
  explicit PushStream(const EraParts& parts) : parts_(parts) {}
  // Opens it unless it is there. False: the server has none.
  static Task<bool> want(std::shared_ptr<LegacySession> session);
  void stop();
  // The session is another one now: what comes on the stream of the former is nobody's.
  void restart();

  // `resources/subscribe`, once for all that want it. False: the server refuses.
  static Task<bool> subscribe(std::shared_ptr<LegacySession> session, Context context, std::string uri);
  static void unsubscribe(const std::shared_ptr<LegacySession>& session, const Context& context, const std::string& uri);

 private:
  static Task<void> run(std::shared_ptr<LegacySession> session);
  static Task<bool> ask_to_subscribe(std::shared_ptr<LegacySession> session, Context context, std::string uri);
  enum class Read { again, refused, lost, failed };
  static Task<Read> read(std::shared_ptr<LegacySession> session);
  void settle(bool is_there);

  const EraParts& parts_;
  enum class State { none, opening, open, absent } state_ = State::none;
  std::vector<std::function<void(bool)>> waiting_;
  http::Cancellation cancellation_;
  http::BodyStream* body_ = nullptr;
  bool is_stopped_ = false, is_restarting_ = false;
  bool has_heard_ = false;                  // anything since it was opened
  std::optional<std::int64_t> retry_ms_;
  std::string last_event_id_;
  std::map<std::string, int> subscribed_;   // uri → how many listen to it
  int subscribed_at_ = 0;                   // the opening of the session at which the server was told
};

}  // namespace writ::upstreams
