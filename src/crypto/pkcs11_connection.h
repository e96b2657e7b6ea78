#pragma once

// Inside crypto/ only: the module of a token, its log-in and its sessions.

#include <p11-kit/pkcs11.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "crypto/pkcs11_token.h"

namespace writ::crypto {

// For a person: what a return value of the module means here.
const char* sentence_of(CK_RV value);

struct Pkcs11Token::State {
  explicit State(Pkcs11Place of_place) : place(std::move(of_place)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  struct Handle {
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    bool is_proved = false;   // it signed, and the public key that we publish verified that
  };
  enum class Access { reads, writes };
  using Operation = std::function<CK_RV(CK_SESSION_HANDLE session)>;

  Result<void, std::string> load();
  // Runs it in a session of its own. When the token is not there (any more) it is looked for again, and the operation is done once more.
  Result<void, Unavailable> perform(Access access, const Operation& operation);
  // Of the private key with this CKA_ID. Called inside an operation.
  CK_RV find_private_key(CK_SESSION_HANDLE session, const std::string& id, Handle& found);
  void note_proved(const std::string& id);

  CK_RV connect();                       // with connection_mutex held alone
  const Pkcs11Place place;
  CK_FUNCTION_LIST_PTR functions = nullptr;

 private:
  CK_RV find_slot(CK_SLOT_ID& slot) const;
  CK_RV log_in();
  CK_RV in_session(Access access, const Operation& operation);
  Result<void, Unavailable> reconnect(std::uint64_t seen);

  // INVARIANT: the module is finalised and initialised only while nobody is inside one of its functions (PKCS#11 v2.40 §5.4).
  std::shared_mutex connection_mutex_;   // shared: in a session; alone: connecting
  bool is_initialised_ = false, is_connected_ = false;
  std::uint64_t connections_ = 0;
  CK_SLOT_ID slot_ = 0;
  CK_SESSION_HANDLE logged_in_ = CK_INVALID_HANDLE;   // stays open: with its last session an application is logged out
  std::chrono::steady_clock::time_point next_attempt_{};
  CK_RV why_not_ = CKR_TOKEN_NOT_PRESENT;
  Secret refused_pin_;

  std::mutex sessions_mutex_;
  std::vector<CK_SESSION_HANDLE> idle_;
  std::map<std::string, Handle> handles_;   // by CKA_ID, of this connection
};

}  // namespace writ::crypto
