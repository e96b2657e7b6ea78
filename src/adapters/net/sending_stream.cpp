#include "adapters/net/sending_stream.h"

#include "adapters/net/client_contexts.h"
#include "adapters/net/upstream_connect.h"

namespace writ::net {
namespace {

using Kind = IoResult::Kind;

constexpr std::size_t kAnswerBytesMax = 4'096;   // a syslog receiver has nothing to say

Task<bool> write_all(Exchange& exchange, std::string_view bytes) {
  while (!bytes.empty()) {
    const IoResult result = exchange.channel->write_some(bytes);
    if (result.kind == Kind::done) {
      bytes.remove_prefix(result.bytes);
      continue;
    }
    if (result.kind != Kind::want_read && result.kind != Kind::want_write) co_return false;
    co_await exchange.channel->wait_for(result.kind);
    if (exchange.is_stopped()) co_return false;
  }
  co_return true;
}

}  // namespace

struct SendingStream::State {
  SendingAddress address;
  ClientContexts contexts;
  std::string where() const { return "`" + address.host + ":" + std::to_string(address.port) + "`"; }
};

SendingStream::SendingStream(SendingAddress address) : state_(std::make_unique<State>()) { state_->address = std::move(address); }
SendingStream::~SendingStream() = default;

Task<Result<void, std::string>> SendingStream::send_and_close(std::string bytes) {
  const SendingAddress& address = state_->address;
  auto context = state_->contexts.find(address.ca_file, address.client_certificate_file, address.client_key_file);
  if (!context) co_return unexpected(context.error());
  Exchange exchange(*Loop::current());
  exchange.deadline.set(milliseconds(address.timeout_ms));
  Target target{address.host, address.port, std::move(*context)};
  auto connecting = connect(exchange, std::move(target));
  const auto connected = co_await connecting;
  if (!connected) co_return unexpected(state_->where() + " could not be reached: " + connected.error().detail);
  auto writing = write_all(exchange, bytes);
  const bool written = co_await writing;
  bool read_by_peer = false;
  if (written) {
    exchange.channel->end_output();
    // The peer's own end comes behind all that it read. A connection that merely breaks off says nothing.
    Kind kind = Kind::done;
    while (kind == Kind::done && exchange.input.size() <= kAnswerBytesMax) {
      auto reading = read_more(exchange);
      kind = co_await reading;
    }
    read_by_peer = kind == Kind::ended;
  }
  const bool late = exchange.is_stopped();
  if (exchange.channel) exchange.channel->close();
  if (read_by_peer) co_return Result<void, std::string>{};
  if (late) co_return unexpected(state_->where() + " took too long");
  co_return unexpected(state_->where() + (written ? " broke off without the end that TLS and RFC 5425 ask for" : " broke off while it was written to"));
}

}  // namespace writ::net
