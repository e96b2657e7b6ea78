#pragma once

// What an upstream says, message by message, on whatever stream it comes (rules §5.4): passed on, rewritten, or dropped and recorded.

#include <optional>
#include <string>
#include <string_view>

#include "gateway/bearer_authentication.h"
#include "gateway/call_authorization.h"
#include "gateway/dependencies.h"
#include "gateway/exchange.h"
#include "gateway/tool_definitions.h"

namespace writ::gateway {

class AnswerFilter {
 public:
  AnswerFilter(const Dependencies& dependencies, const BearerAuthentication& authentication, ToolDefinitions& tools)
      : dependencies_(dependencies), authentication_(authentication), tools_(tools) {}

  struct Admitted {
    enum class Fate { pass, rewritten, drop } fate = Fate::drop;
    std::string text;               // when rewritten
    const char* reason = "";        // when dropped
    bool is_own_answer = false;     // the response to the exchange's own message
  };
  Admitted admit(std::string_view text, const Exchange& exchange) const;

 private:
  bool rewrite(mcp::Message& message, std::uint8_t lists, const Exchange& exchange, bool& has_changed) const;

  const Dependencies& dependencies_;
  const BearerAuthentication& authentication_;
  ToolDefinitions& tools_;
};

}  // namespace writ::gateway
