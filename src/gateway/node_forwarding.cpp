#include "gateway/node_forwarding.h"

#include <vector>

#include "gateway/handing_on.h"
#include "mcp/json_rpc.h"
#include "mcp/streamable_http.h"

namespace writ::gateway {
namespace {

constexpr const char* kPool = "nodes";

http::Response failed(int status, std::string_view message) {
  const int code = status == 504 ? mcp::code::kUpstreamTimedOut : mcp::code::kUpstreamFailed;
  return http::no_store(http::json(status, json::write(mcp::error_response(std::nullopt, code, message))));
}

}  // namespace

// One request that another node answers. Lives on the loop of its request.
struct NodeForwarding::Flight {
  explicit Flight(NodeForwarding& forwarding) : owner(forwarding) {}
  ~Flight() {
    const std::lock_guard lock(owner.mutex_);
    owner.under_way_.erase(place);
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  void end() {
    is_over = true;
    cancellation.request();
    if (body) body->cancel();
  }

  NodeForwarding& owner;
  std::list<Underway>::iterator place;
  http::Cancellation cancellation;      // until the head is there
  http::BodyStream* body = nullptr;     // from then on
  bool is_over = false;
};

class NodeForwarding::Answer final : public http::BodyStream {
 public:
  Answer(std::shared_ptr<Flight> flight, std::unique_ptr<http::BodyStream> body) : flight_(std::move(flight)), body_(std::move(body)) { flight_->body = body_.get(); }
  ~Answer() override { flight_->body = nullptr; }
  Task<Result<std::string, http::StreamEnd>> next() override { return body_->next(); }
  void cancel() override { body_->cancel(); }

 private:
  std::shared_ptr<Flight> flight_;
  std::unique_ptr<http::BodyStream> body_;
};

std::shared_ptr<NodeForwarding::Flight> NodeForwarding::begin(std::uint32_t node, const NodeAddress& address) {
  auto flight = std::make_shared<Flight>(*this);
  const std::lock_guard lock(mutex_);
  flight->place = under_way_.insert(under_way_.end(), Underway{node, address.incarnation, Executor::current(), flight});
  return flight;
}

Task<std::optional<http::Response>> NodeForwarding::ask(std::uint32_t node, const http::Request& request) {
  auto address = board_.find(node);
  if (!address) {
    // It may have started a moment ago.
    co_await board_.look();
    address = board_.find(node);
  }
  if (!address) co_return std::nullopt;
  const auto flight = begin(node, *address);
  http::UpstreamRequest onward = hand_on(request, address->url);
  onward.pool_key = kPool;
  onward.ca_file = settings_.authorities_file;
  onward.client_certificate_file = settings_.certificate_file, onward.client_key_file = settings_.key_file;
  onward.head_timeout_ms = static_cast<int>(settings_.answer_within.count());
  onward.idle_timeout_ms = 0;   // the other node ends what is silent for too long
  onward.cancellation = &flight->cancellation;
  http::Cancellation* const client_gone = request.client_gone;
  // Whether its end ends the call too is for the other node to say, as if it were its own client's.
  if (client_gone) client_gone->on_request([waiting = std::weak_ptr(flight)] { if (const auto still = waiting.lock()) still->end(); });
  auto answer = co_await upstream_.send(std::move(onward));
  if (client_gone) client_gone->on_request(nullptr);
  if (!answer) {
    using Kind = http::UpstreamFailure::Kind;
    const Kind kind = answer.error().kind;
    if (kind == Kind::connect || kind == Kind::tls) co_return std::nullopt;
    // It may have been obeyed: it must not look as if it had not been asked.
    if (kind == Kind::timeout) co_return failed(504, "the node that has the session did not answer in time");
    co_return failed(502, "the node that has the session went away");
  }
  http::Response response;
  response.status = answer->status;
  response.headers = hand_back(answer->headers);
  auto body = std::make_unique<Answer>(flight, std::move(answer->body));
  if (flight->is_over) body->cancel();
  if (mcp::is_event_stream(response.headers)) {
    response.stream = std::move(body);
    co_return response;
  }
  while (true) {
    auto piece = co_await body->next();
    if (!piece && piece.error() == http::StreamEnd::complete) co_return response;
    if (!piece || response.body.size() + piece->size() > settings_.answer_bytes_max) break;
    response.body += *piece;
  }
  body->cancel();
  co_return failed(502, "the node that has the session broke off its answer");
}

void NodeForwarding::end_lost() {
  std::vector<Underway> all;
  {
    const std::lock_guard lock(mutex_);
    all.assign(under_way_.begin(), under_way_.end());
  }
  for (const Underway& one : all) {
    const auto address = board_.find(one.node);
    if (address && address->incarnation == one.incarnation) continue;
    one.home->post([flight = one.flight] { if (const auto still = flight.lock()) still->end(); });
  }
}

std::size_t NodeForwarding::under_way() const {
  const std::lock_guard lock(mutex_);
  return under_way_.size();
}

}  // namespace writ::gateway
