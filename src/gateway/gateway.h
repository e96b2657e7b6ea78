#pragma once

// The gateway role: protected resource and reverse proxy in front of MCP servers. One request walks admit → read → decide → forward; each
// step hands a finished value on. Safe to share between threads. Outlives the event loops: answers under way refer to it.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "gateway/answer_filter.h"
#include "gateway/bearer_authentication.h"
#include "gateway/dependencies.h"
#include "gateway/live_exchanges.h"
#include "gateway/recorder.h"
#include "gateway/relay.h"
#include "gateway/sessions.h"
#include "gateway/upstream_request.h"
#include "gateway/usage_limits.h"
#include "gateway/definition_watch.h"
#include "http/message.h"

namespace writ::gateway {

struct SettledCall;

class Gateway {
 public:
  explicit Gateway(Dependencies dependencies);

  // The MCP endpoint of one server: POST, GET and DELETE.
  Task<http::Response> handle(const http::Request& request, std::string server_id);
  // Its protected resource metadata.
  http::Response metadata(const std::string& server_id) const;

  // Ends what is no longer allowed. To be called a few times a second, from any thread, while the event loops run (rules §5.3). Looks at every exchange
  // when something has changed, else once a second.
  void check_streams(Instant now);
  std::size_t live_exchanges() const { return live_.size(); }

 private:
  // An authenticated request to a server that exists. Pointers are into the snapshot.
  struct Admission {
    std::shared_ptr<const registry::Snapshot> snapshot;
    const registry::Server* server = nullptr;
    std::shared_ptr<const policy::ToolCatalogue> tools;
    std::shared_ptr<const AccessToken> token;
    Caller caller;
    Instant now{};
    std::uint64_t revocations = 0;   // the epoch before they were looked at
  };
  using Admitted = Result<Admission, http::Response>;

  Task<Admitted> admit(const http::Request& request, std::string server_id);
  Task<http::Response> post(const http::Request& request, Admission admission);
  Task<http::Response> get(const http::Request& request, const Admission& admission);
  Task<http::Response> remove(const http::Request& request, const Admission& admission);
  // From the decision to the answer; a change meanwhile ends it.
  Task<http::Response> carry_out(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, Basis basis);
  Task<http::Response> forward(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange);
  Task<http::Response> pass_json(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer, std::string session_id);
  Task<http::Response> pass_client_error(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer);
  http::Response pass_events(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer, std::string session_id);
  // learn_definitions.cpp
  bool must_learn(const Admission& admission, const Exchange& exchange) const;
  Task<void> learn(const http::Request& request, const Admission& admission, const Exchange& call);
  http::Response fail(Exchange& exchange, int status, std::string_view reason);
  http::Response fail(Exchange& exchange, const upstreams::Failure& failure);

  // The record of a decided message, and with it the one use of the approval that lifts what held it.
  Task<Result<std::uint64_t, Unavailable>> record_call(audit::Record record, SettledCall& settled, Exchange& exchange);
  // Records a refusal that is no policy decision and hands the answer on; 503 when it cannot be recorded.
  Task<http::Response> refuse(audit::Record record, std::string reason, http::Response response);

  Circumstances circumstances(const Admission& admission, const policy::Policy& policy, const http::Request& request) const;
  // Takes what the limits let it, or makes the verdict a refusal.
  void take_limits(const http::Request& request, const Admission& admission, Exchange& exchange, Verdict& verdict);
  std::shared_ptr<Exchange> begin(const http::Request& request, const Admission& admission);
  Result<std::shared_ptr<Session>, http::Response> find_session(const http::Request& request, const Admission& admission);
  std::shared_ptr<const policy::ToolCatalogue> current_tools() const;
  Basis current_basis() const;
  // From here on its end can be brought about from outside. False when it is no longer allowed already: something changed while the record
  // was being written.
  bool go_live(const std::shared_ptr<Exchange>& exchange, Basis basis);
  void examine(Exchange& exchange);
  // Standing streams hear when a review or another policy may alter what they see.
  void tell_changes(Exchange& exchange, bool is_first);
  // Decides again, with everything as it is now. Null: it is still allowed.
  std::shared_ptr<const CutOff> find_cut_off(const Exchange& exchange) const;

  Dependencies dependencies_;
  BearerAuthentication authentication_;
  DefinitionWatch definitions_;
  UsageLimits limits_;
  Sessions sessions_;
  Tasks tasks_;
  LiveExchanges live_;
  AnswerFilter filter_;
  Recorder recorder_;
  std::shared_ptr<DrainBudget> drains_ = std::make_shared<DrainBudget>();
  std::atomic<std::int64_t> sessions_swept_{0};
  std::mutex checked_mutex_;
  Basis checked_basis_;
  std::int64_t checked_second_ = 0;
  static constexpr Seconds kLearnAgainAfter{10};
  static constexpr std::size_t kLearnedMax = 10'000;
  std::mutex learned_mutex_;
  std::unordered_map<std::string, Instant> learned_;   // (list, server, principal) → when it was last asked for
};

}  // namespace writ::gateway
