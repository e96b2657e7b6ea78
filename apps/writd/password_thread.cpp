#include "password_thread.h"

#include "crypto/password.h"

namespace writ::writd {

Task<bool> PasswordThread::verify(Secret password, std::string phc) {
  bool right = false;
  std::function<void()> verifying = [&] { right = crypto::verify_password(password, phc); };
  co_await thread_.run(std::move(verifying));
  co_return right;
}

}  // namespace writ::writd
