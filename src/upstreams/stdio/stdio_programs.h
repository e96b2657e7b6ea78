#pragma once

// The lowest layer of a server that is a program on stdio: runs it and speaks Streamable HTTP for it, in the program's own era (TR-110 to TR-114).
// A program of the legacy era is one session of one principal, which gets an id from here; one of the modern era serves all requests of a
// principal. A program that the server object calls shared serves everybody: it gets one `initialize`, from the gateway, and nothing that it
// says by itself reaches anybody but who subscribed to it.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "registry/snapshot.h"
#include "upstreams/stdio/launch.h"
#include "upstreams/stdio/pool.h"
#include "upstreams/upstream.h"

namespace writ::upstreams::stdio {

// Everything outlives it.
struct StdioParts {
  Programs& programs;
  const registry::Current& objects;
  ReadSecretFile read_secret;
};

class StdioPrograms final : public Upstream {
 public:
  StdioPrograms(StdioParts parts, Settings settings);
  ~StdioPrograms() override;   // ends all programs
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;

  // About ten times a second, from any one thread: deadlines, idle programs, server objects that changed or went.
  void tick();
  std::size_t running() const;

 private:
  using Sent = Result<http::UpstreamResponse, Failure>;
  using Found = Result<std::shared_ptr<Conversation>, Failure>;

  Task<Sent> post(Request request);
  Task<Sent> initialize(Request request, std::shared_ptr<Conversation> conversation);
  // With `opens_session` the answer's head names the session; an error ends it.
  Task<Sent> ask(Request request, std::shared_ptr<Conversation> conversation, std::string session, mcp::Era era, bool opens_session = false);
  Task<Sent> ask_shared(Request request, std::shared_ptr<Conversation> conversation, std::string session);
  // One that is ready.
  Task<Found> conversation_for(Request request, bool for_session);
  Found find_or_start(const Request& request, bool for_session);
  // Null: unknown, of another server, or of another principal (G12).
  std::shared_ptr<Conversation> find_session(const Request& request, const std::string& session);
  std::optional<mcp::Era> known_era(const Request& request);
  Pool& pool_of(const registry::Server& server);
  void reconcile(const registry::Snapshot& snapshot);

  struct SessionOf {
    std::string server, principal;
    std::weak_ptr<Conversation> conversation;
  };

  const StdioParts parts_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::map<std::string, Pool> pools_;           // by server id
  std::map<std::string, SessionOf> sessions_;   // by session id
  std::uint64_t reconciled_ = 0;                // the sequence of the snapshot that was looked at last
  SteadyTime swept_{};
};

}  // namespace writ::upstreams::stdio
