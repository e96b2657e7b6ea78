#pragma once

// The gateway role: protected resource and reverse proxy in front of MCP servers. One request walks admit → read → decide → forward; each
// step hands a finished value on. Safe to share between threads. Outlives the event loops: answers under way refer to it.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "gateway/admission.h"
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
namespace combined {
class Endpoint;
}

class Gateway {
 public:
  explicit Gateway(Dependencies dependencies);
  ~Gateway();

  // The MCP endpoint of one server: POST, GET and DELETE. An empty id: of the combined server whose resource is the base.
  Task<http::Response> handle(const http::Request& request, std::string server_id);
  // Its protected resource metadata.
  http::Response metadata(const std::string& server_id) const;

  // Ends what is no longer allowed. To be called a few times a second, from any thread, while the event loops run (rules §5.3). Looks at every exchange
  // when something has changed, else once a second.
  void check_streams(Instant now);
  std::size_t live_exchanges() const { return live_.size(); }
  std::size_t session_count() const { return sessions_.size(); }

  // ---- the walk in parts. The combined endpoint (combined/) walks it once for each member that it asks.

  // The exchange of one message or stream with the admission's server.
  std::shared_ptr<Exchange> begin(const http::Request& request, const Admission& admission);
  // Read what was sent into the exchange; the second is for streams, the third for the end of a session. Absent: it is good; else what the client is told.
  Task<std::optional<http::Response>> read(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record& record);
  Task<std::optional<http::Response>> read_get(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record& record);
  Task<std::optional<http::Response>> read_delete(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record record);
  // Decides what the exchange holds, its message or a stream when there is none, records that, and lets it go live. Absent: it may go on; else what
  // the client is told. `admission` is renewed where something had to be learned first.
  Task<std::optional<http::Response>> decide(const http::Request& request, Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record record);
  // Records a refusal that is no policy decision and hands the answer on; 503 when it cannot be recorded.
  Task<http::Response> refuse(audit::Record record, std::string reason, http::Response response);
  // The record of a session's end by its owner.
  Task<std::optional<http::Response>> record_end(std::shared_ptr<Exchange> exchange, audit::Record record);
  Task<http::Response> forward(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange);
  // The answer to what a change ended before it was answered.
  Task<http::Response> tell_cut_off(std::shared_ptr<Exchange> exchange);
  // Decides and forwards.
  Task<http::Response> walk(const http::Request& request, Admission admission, std::shared_ptr<Exchange> exchange, audit::Record record);
  Circumstances circumstances(const Admission& admission, const policy::Policy& policy, const http::Request& request) const;
  // The same caller with the objects of now, at a member of the combined server. Absent: who may not get there any more.
  std::optional<Admission> admit_again(const Admission& before, const std::string& server_id, const std::string& endpoint_id) const;
  // The answer of the node where the call waits that a request goes on with. Absent: `state` is nobody's of ours, or is looked for here.
  Task<std::optional<http::Response>> ask_node_of_state(const http::Request& request, const Admission& admission, const std::string& server_id, const std::string* state);
  Sessions& sessions() { return sessions_; }
  const Recorder& recorder() const { return recorder_; }
  const Dependencies& dependencies() const { return dependencies_; }

 private:
  using Admitted = Result<Admission, http::Response>;

  Task<Admitted> admit(const http::Request& request, std::string server_id);
  // Empty: the combined server at the root. Null: nothing stands at that address.
  const registry::Server* find_server(const registry::Snapshot& snapshot, const std::string& server_id) const;
  Task<http::Response> post(const http::Request& request, Admission admission);
  Task<http::Response> get(const http::Request& request, Admission admission);
  Task<http::Response> remove(const http::Request& request, Admission admission);
  Task<http::Response> pass_json(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer, std::string session_id);
  Task<http::Response> pass_client_error(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer);
  http::Response pass_events(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer, std::string session_id);
  // learn_definitions.cpp
  bool must_learn(const Admission& admission, const Exchange& exchange) const;
  Task<void> learn(const http::Request& request, const Admission& admission, const Exchange& call);
  http::Response fail(Exchange& exchange, int status, std::string_view reason);
  http::Response fail(Exchange& exchange, const upstreams::Failure& failure);

  // deciding.cpp
  Task<void> learn_first(const http::Request& request, Admission& admission, std::shared_ptr<Exchange> exchange, std::shared_ptr<const policy::Policy> policy);
  // The record of a decided message, and with it the one use of the approval that lifts what held it.
  Task<Result<std::uint64_t, Unavailable>> record_call(audit::Record record, SettledCall& settled, Exchange& exchange);
  // standing.cpp and those above
  // Takes what the limits let it, or makes the verdict a refusal.
  void take_limits(const http::Request& request, const Admission& admission, Exchange& exchange, Verdict& verdict);
  Result<std::shared_ptr<Session>, http::Response> find_session(const http::Request& request, const Admission& admission);
  // elsewhere.cpp. The answer of the node that has the session that the request names. Absent: none has it, or that one cannot be reached.
  Task<std::optional<http::Response>> ask_node_of_session(const http::Request& request, const Admission& admission);
  Task<std::optional<http::Response>> ask_node(std::optional<std::uint32_t> node, const http::Request& request);
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
  std::unique_ptr<combined::Endpoint> combined_;
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
