#pragma once

#include <cstddef>
#include <cstdint>

namespace writ::load {

// An MCP server of one answer, and of streams that say nothing: every POST gets a tools/call result with its own JSON-RPC id, of about `answer_bytes`. Ends with the process.
int serve_stub(std::uint16_t port, std::size_t answer_bytes);

}  // namespace writ::load
