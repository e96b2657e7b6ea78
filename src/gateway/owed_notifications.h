#pragma once

// What the gateway itself has to say on a standing stream, as events.

#include <string>

#include "gateway/exchange.h"

namespace writ::gateway {

// `_meta` of what goes over a subscription's stream (TR-72).
json::Value subscription_meta(const mcp::RequestId& id);
void append_data(const json::Value& message, std::string& out);
// What is owed, if anything; afterwards nothing is.
void append_owed(Exchange& exchange, std::string& out);
// For the log of a legacy client, whose stream has no request to answer. `decision` may be null.
void append_log_message(const std::string& text, json::Value decision, std::string& out);
// TR-74: the end of a subscription, said by the server. Precondition: the exchange is of subscriptions/listen.
void append_end_of_subscription(const Exchange& exchange, std::string& out);

}  // namespace writ::gateway
