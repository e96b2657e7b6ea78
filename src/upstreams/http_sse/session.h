#pragma once

// One session with a server of the HTTP+SSE transport (MCP 2024-11-05): one stream of events that everything comes on, and an endpoint that
// messages are posted to. The stream is read on the loop that opened it; requests wait on theirs.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mcp/json_rpc.h"
#include "mcp/sse.h"
#include "upstreams/http_sse/inbox.h"
#include "upstreams/http_sse/settings.h"

namespace writ::upstreams::http_sse {

// Safe to share between threads, but for read(). Held by shared_ptr.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // Made on the loop that will read its stream. `url` is the server's configured one.
  Session(std::string session_id, std::string whose, std::string url, const Settings& settings);

  const std::string id;      // ours: the server's own name for it stands in its endpoint and stays here
  const std::string owner;   // server and principal
  const std::string url;

  // Reads the stream to its end; then the session is over. Runs on the loop that made the session. The first event names the endpoint: then
  // who waits at `opening()` gets an item.
  static Task<void> read(std::shared_ptr<Session> self, std::unique_ptr<http::BodyStream> stream);
  const std::shared_ptr<Inbox>& opening() const { return opening_; }
  // Where messages are posted. INVARIANT: never changes once opening() had its item, and nobody else knows the session before.
  const std::string& endpoint() const { return endpoint_; }

  // Where the answer to `request` and what belongs to it will come, on the calling loop.
  enum class CannotExpect { ended, id_in_flight, too_many };
  Result<std::shared_ptr<Inbox>, CannotExpect> expect(const mcp::Message& request);
  // Everything that belongs to no request; null when there is such a stream already, or the session is over.
  std::shared_ptr<Inbox> stand();
  void forget(const std::shared_ptr<Inbox>& inbox);
  // The client gave the request up: the server may answer it or not, and nothing else is taken to belong to it.
  void note_cancelled(const mcp::RequestId& id);

  void end(const Failure& why);
  bool has_ended() const;

  void use(Instant now) { last_used_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  // Ends what has waited for too long, and the session when nobody has used it for long.
  void sweep(Instant now);

 private:
  struct Waiting {
    std::shared_ptr<Inbox> inbox;
    std::optional<std::string> progress_token;   // as key
    std::uint64_t number = 0;                    // the lower the older
    bool is_cancelled = false;
  };
  void deliver(const mcp::Event& event);
  void deliver(std::string text);
  Inbox* related(const mcp::Message& message);   // with the mutex held
  void keep_early(std::string text);             // with the mutex held

  const Settings settings_;
  Executor& home_;
  std::shared_ptr<Backlog> backlog_;
  std::shared_ptr<Inbox> opening_;
  std::atomic<std::int64_t> last_used_{0};

  // Touched on the home loop alone.
  std::unique_ptr<http::BodyStream> stream_;

  std::string endpoint_;

  mutable std::mutex mutex_;
  bool ended_ = false;
  std::unordered_map<std::string, Waiting> waiting_;   // by id
  std::uint64_t number_ = 0;
  std::shared_ptr<Inbox> standing_;
  std::deque<std::string> early_;
  std::size_t early_bytes_ = 0;
};

}  // namespace writ::upstreams::http_sse
