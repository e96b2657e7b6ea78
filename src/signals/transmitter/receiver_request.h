#pragma once

// One request of a receiver: who asks, and what it says. Inside signals/transmitter only.

#include <string>
#include <variant>

#include "http/message.h"
#include "signals/transmitter/transmitter.h"

namespace writ::signals {

struct Receiver {
  std::string audience, token_id;
};
enum class ReceiverProblem { no_token, several_tokens, unknown_token, inactive_token, token_of_another_use, receiver_disabled };
std::string_view to_string(ReceiverProblem problem);
Result<Receiver, ReceiverProblem> authenticate(const http::Request& request, const registry::Snapshot& snapshot);

http::Response answer(int status, const json::Value& body);
http::Response refusal(int status, std::string_view code, std::string description);
http::Response unavailable();

// A JSON object of at most 64 KiB, or the answer that says what is wrong.
Result<json::Value, http::Response> read_object(const http::Request& request);

// One record of what a receiver did or was refused.
Task<Result<void, Unavailable>> record(const Transmitter& transmitter, const http::Request& request, Receiver receiver, audit::Effect effect, std::string reason,
                                       std::string stream_id);

}  // namespace writ::signals
