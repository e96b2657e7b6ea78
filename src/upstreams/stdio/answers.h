#pragma once

// What goes back to the gateway as HTTP: one JSON object, or a stream of events.

#include <memory>
#include <string>

#include "http/message.h"
#include "upstreams/stdio/conversation.h"

namespace writ::upstreams::stdio {

http::UpstreamResponse empty_answer(int status);
// `session` goes into the head where it is not empty.
http::UpstreamResponse json_answer(int status, std::string text, const std::string& session = "");

// The messages of a request that was asked, beginning with `first`. Letting the body go before its end cancels the request.
http::UpstreamResponse event_answer(std::shared_ptr<Conversation> conversation, Conversation::Asked asked, std::string first, const std::string& session);
// A session's own stream, which belongs to no request.
http::UpstreamResponse stream_answer(std::shared_ptr<Outbox> outbox);

// The status that belongs to an error: in the modern era some errors have one of their own (TR-42 to TR-49).
int status_of(std::string_view response, mcp::Era era);

}  // namespace writ::upstreams::stdio
