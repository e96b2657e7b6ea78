#pragma once

// The admin API from the command line: over the local socket, or over HTTPS with an API token.

#include <optional>
#include <string>

#include "base/result.h"
#include "context.h"
#include "encoding/json.h"

namespace writ::cli::admin {

struct Answer {
  int status = 0;
  json::Value body;
  std::string etag;
};

class AdminClient {
 public:
  explicit AdminClient(const Context& context) : context_(context) {}

  // The answer, whatever its status; an error is a sentence: nobody answered.
  Result<Answer, std::string> send(const std::string& method, const std::string& path, const std::optional<json::Value>& body = std::nullopt,
                                   const std::string& if_match = "") const;

  // For commands: prints what went wrong and sets the exit code; absent then.
  std::optional<Answer> ask(Context& context, const std::string& method, const std::string& path, const std::optional<json::Value>& body = std::nullopt,
                            const std::string& if_match = "") const;

 private:
  const Context& context_;
};

// What a refused request has to say, on standard error, and its exit code.
int report(const Answer& answer);
// One of an answer's `problems` or `warnings`, on standard error: policies/prod.cedar:4:1: warning [permit-shadowed]: …
void print_problem(const json::Value& problem);

}  // namespace writ::cli::admin
