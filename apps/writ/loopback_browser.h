#pragma once

// The person's browser as the client library wants it: `writ connect --own-account` asks with it.

#include <memory>

#include "client/grants/authorization_code_grant.h"

namespace writ::cli {

class LoopbackBrowser final : public client::UserAgent {
 public:
  // Without leave to open it, it only says which address to open.
  explicit LoopbackBrowser(bool may_open) : may_open_(may_open) {}

  Result<std::string, client::Failure> redirect_uri() override;
  // Waits on a thread of its own: the bridge goes on with everything else meanwhile.
  Task<Result<std::string, client::Failure>> visit(std::string url) override;

 private:
  struct Listening;
  bool may_open_;
  std::shared_ptr<Listening> listening_;
};

}  // namespace writ::cli
