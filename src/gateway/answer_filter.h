#pragma once

// What an upstream says, message by message, on whatever stream it comes (rules §5.4): passed on, rewritten, or dropped and recorded.

#include <optional>
#include <string>
#include <string_view>

#include "gateway/bearer_authentication.h"
#include "gateway/call_authorization.h"
#include "gateway/dependencies.h"
#include "gateway/exchange.h"
#include "gateway/definition_watch.h"
#include "gateway/tasks.h"

namespace writ::gateway {

class AnswerFilter {
 public:
  AnswerFilter(const Dependencies& dependencies, const BearerAuthentication& authentication, DefinitionWatch& definitions, Tasks& tasks)
      : dependencies_(dependencies), authentication_(authentication), definitions_(definitions), tasks_(tasks) {}

  struct Admitted {
    enum class Fate {
      pass,
      rewritten,
      drop,
      wait,                         // first definitions are approved by themselves: settle() them, then admit again
    } fate = Fate::drop;
    std::string text;               // when rewritten
    const char* reason = "";        // when dropped
    bool is_own_answer = false;     // the response to the exchange's own message
    std::vector<SeenDefinition> news;   // when waiting
  };
  enum class Waiting { may, must_not };
  Admitted admit(std::string_view text, const Exchange& exchange, Waiting waiting) const;
  Task<void> settle(const Exchange& exchange, std::vector<SeenDefinition> news) const { return definitions_.settle(exchange.server_id, std::move(news)); }

 private:
  bool rewrite(mcp::Message& message, std::uint8_t lists, const Exchange& exchange, const registry::Snapshot& snapshot, bool& has_changed, std::vector<SeenDefinition>& news) const;
  void keep_approved(json::Array& elements, mcp::List list, const registry::Snapshot& snapshot, const registry::Server& server, std::vector<SeenDefinition>& news) const;
  void keep_approved_instructions(json::Value& result, const registry::Snapshot& snapshot, const registry::Server& server, std::vector<SeenDefinition>& news) const;

  void remember_task(const mcp::Message& message, const Exchange& exchange, bool is_own_answer) const;
  bool owns_task(const Exchange& exchange, const json::Value& about) const;
  void keep_own_tasks(json::Value& result, const Exchange& exchange) const;

  const Dependencies& dependencies_;
  const BearerAuthentication& authentication_;
  DefinitionWatch& definitions_;
  Tasks& tasks_;
};

}  // namespace writ::gateway
