#pragma once

#include "base/work_thread.h"
#include "token_service/idp/idp.h"

namespace writ::writd {

// Argon2 on a thread of its own, so that a sign-in does not hold up an event loop. One at a time: that bounds the memory that a flood
// of sign-ins can take.
class PasswordThread final : public token_service::idp::PasswordVerifier {
 public:
  Task<bool> verify(Secret password, std::string phc) override;

 private:
  WorkThread thread_;
};

}  // namespace writ::writd
