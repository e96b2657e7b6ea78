#include "crypto/pkcs11_connection.h"

#include <dlfcn.h>

#include <algorithm>
#include <string_view>

namespace writ::crypto {
namespace {

constexpr std::chrono::seconds kBetweenAttempts{1};

// Padded with blanks, never terminated (PKCS#11 v2.40 §3.2).
template <std::size_t Size>
std::string_view unpadded(const CK_UTF8CHAR (&field)[Size]) {
  std::string_view text(reinterpret_cast<const char*>(field), Size);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

// Whether looking for the token again may help. Where it does not (a mechanism that the token has not), the connection is left alone.
bool is_lost(CK_RV value) {
  switch (value) {
    case CKR_GENERAL_ERROR:
    case CKR_FUNCTION_FAILED:
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_SLOT_ID_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_CRYPTOKI_NOT_INITIALIZED: return true;
    default: return false;
  }
}

}  // namespace

const char* sentence_of(CK_RV value) {
  switch (value) {
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_SLOT_ID_INVALID:
    case CKR_DEVICE_REMOVED: return "the PKCS#11 token is not there";
    case CKR_PIN_INCORRECT: return "the PKCS#11 token refuses the PIN; it is not tried again until its file holds another one";
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE: return "the PIN is none that the PKCS#11 token could have: its length or its characters are wrong";
    case CKR_PIN_LOCKED: return "the PKCS#11 token is locked after too many wrong PINs: unlock it with its security officer's PIN";
    case CKR_PIN_EXPIRED: return "the PIN of the PKCS#11 token has expired";
    case CKR_USER_PIN_NOT_INITIALIZED: return "the PKCS#11 token has no user PIN yet";
    case CKR_ARGUMENTS_BAD: return "the PIN of the PKCS#11 token cannot be read";
    case CKR_CANT_LOCK: return "the PKCS#11 module cannot be used by several threads";
    case CKR_KEY_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID: return "the PKCS#11 token does not hold the signing key";
    case CKR_KEY_CHANGED: return "the PKCS#11 token holds another key than the one that is published";
    case CKR_MECHANISM_INVALID: return "the PKCS#11 token cannot do the configured algorithm";
    case CKR_KEY_FUNCTION_NOT_PERMITTED: return "the key in the PKCS#11 token may not sign (CKA_SIGN)";
    case CKR_SESSION_COUNT: return "the PKCS#11 token has no session left";
    case CKR_TOKEN_WRITE_PROTECTED: return "the PKCS#11 token is write-protected: no key can be made in it";
    case CKR_DEVICE_MEMORY: return "the PKCS#11 token is full";
    case CKR_USER_NOT_LOGGED_IN: return "the PKCS#11 token wants a log-in for each signature (CKA_ALWAYS_AUTHENTICATE), or has logged out";
    default: return "the PKCS#11 token does not work";
  }
}

Pkcs11Token::State::~State() {
  // The library stays loaded: modules have threads and exit handlers of their own.
  if (functions && is_initialised_) functions->C_Finalize(nullptr);
}

Result<void, std::string> Pkcs11Token::State::load() {
  void* const library = ::dlopen(place.module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return unexpected("cannot load the PKCS#11 module `" + place.module + "`: " + (why ? why : "unknown"));
  }
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  if (get == nullptr || get(&functions) != CKR_OK || functions == nullptr) {
    functions = nullptr;
    return unexpected("`" + place.module + "` is no PKCS#11 module: it has no C_GetFunctionList");
  }
  return {};
}

CK_RV Pkcs11Token::State::find_slot(CK_SLOT_ID& slot) const {
  CK_ULONG count = 0;
  if (const CK_RV value = functions->C_GetSlotList(CK_TRUE, nullptr, &count); value != CKR_OK) return value;
  std::vector<CK_SLOT_ID> slots(count);
  if (const CK_RV value = functions->C_GetSlotList(CK_TRUE, slots.data(), &count); value != CKR_OK) return value;
  slots.resize(count);
  for (const CK_SLOT_ID one : slots) {
    CK_TOKEN_INFO info{};
    if (functions->C_GetTokenInfo(one, &info) != CKR_OK) continue;
    if (!place.label.empty() && unpadded(info.label) != place.label) continue;
    if (!place.serial.empty() && unpadded(info.serialNumber) != place.serial) continue;
    slot = one;
    return CKR_OK;
  }
  return CKR_TOKEN_NOT_PRESENT;
}

CK_RV Pkcs11Token::State::log_in() {
  const auto pin = place.pin();
  if (!pin) return CKR_ARGUMENTS_BAD;
  const std::string_view digits = pin->reveal();
  if (!refused_pin_.empty() && refused_pin_.reveal() == digits) return CKR_PIN_INCORRECT;
  // The module's parameter is not const, although no module writes there.
  auto* bytes = const_cast<CK_UTF8CHAR_PTR>(reinterpret_cast<const CK_UTF8CHAR*>(digits.data()));
  const CK_RV value = functions->C_Login(logged_in_, CKU_USER, bytes, digits.size());
  if (value == CKR_PIN_INCORRECT) refused_pin_ = *pin;
  return value == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : value;
}

// Begins with the module itself: some learn only then that a token came or went.
CK_RV Pkcs11Token::State::connect() {
  is_connected_ = false;
  idle_.clear();
  handles_.clear();
  next_attempt_ = std::chrono::steady_clock::now() + kBetweenAttempts;
  if (is_initialised_) functions->C_Finalize(nullptr);
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  CK_RV value = functions->C_Initialize(&arguments);
  is_initialised_ = value == CKR_OK || value == CKR_CRYPTOKI_ALREADY_INITIALIZED;
  if (is_initialised_) value = find_slot(slot_);
  if (value == CKR_OK) value = functions->C_OpenSession(slot_, CKF_SERIAL_SESSION, nullptr, nullptr, &logged_in_);
  if (value == CKR_OK) value = log_in();
  why_not_ = value;
  if (value == CKR_OK) is_connected_ = true, ++connections_;
  return value;
}

CK_RV Pkcs11Token::State::in_session(Access access, const Operation& operation) {
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  if (access == Access::reads) {
    const std::lock_guard lock(sessions_mutex_);
    if (!idle_.empty()) session = idle_.back(), idle_.pop_back();
  }
  if (session == CK_INVALID_HANDLE) {
    const CK_FLAGS flags = CKF_SERIAL_SESSION | (access == Access::writes ? CKF_RW_SESSION : 0);
    if (const CK_RV value = functions->C_OpenSession(slot_, flags, nullptr, nullptr, &session); value != CKR_OK) return value;
  }
  const CK_RV value = operation(session);
  if (value == CKR_OK && access == Access::reads) {
    const std::lock_guard lock(sessions_mutex_);
    idle_.push_back(session);
  } else {
    functions->C_CloseSession(session);   // an operation may have been left half done in it
  }
  return value;
}

Result<void, Unavailable> Pkcs11Token::State::reconnect(std::uint64_t seen) {
  const std::unique_lock lock(connection_mutex_);
  if (is_connected_ && connections_ != seen) return {};   // somebody else has found it meanwhile
  if (std::chrono::steady_clock::now() < next_attempt_) return unexpected(Unavailable{sentence_of(is_connected_ ? CKR_DEVICE_ERROR : why_not_)});
  if (const CK_RV value = connect(); value != CKR_OK) return unexpected(Unavailable{sentence_of(value)});
  return {};
}

Result<void, Unavailable> Pkcs11Token::State::perform(Access access, const Operation& operation) {
  for (bool is_first = true;; is_first = false) {
    std::uint64_t seen = 0;
    CK_RV value = CKR_TOKEN_NOT_PRESENT;
    {
      const std::shared_lock lock(connection_mutex_);
      seen = connections_;
      if (is_connected_) value = in_session(access, operation);
    }
    if (value == CKR_OK) return {};
    if (!is_first || !is_lost(value)) return unexpected(Unavailable{sentence_of(value)});
    TRY(reconnect(seen));
  }
}

CK_RV Pkcs11Token::State::find_private_key(CK_SESSION_HANDLE session, const std::string& id, Handle& found) {
  {
    const std::lock_guard lock(sessions_mutex_);
    if (const auto known = handles_.find(id); known != handles_.end()) {
      found = known->second;
      return CKR_OK;
    }
  }
  CK_OBJECT_CLASS wanted = CKO_PRIVATE_KEY;
  std::string name = id;
  CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &wanted, sizeof wanted}, {CKA_ID, name.data(), name.size()}};
  if (const CK_RV value = functions->C_FindObjectsInit(session, attributes, 2); value != CKR_OK) return value;
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  CK_ULONG count = 0;
  const CK_RV value = functions->C_FindObjects(session, &object, 1, &count);
  functions->C_FindObjectsFinal(session);
  if (value != CKR_OK) return value;
  if (count == 0) return CKR_KEY_HANDLE_INVALID;
  found = Handle{object, false};
  const std::lock_guard lock(sessions_mutex_);
  handles_.emplace(id, found);
  return CKR_OK;
}

void Pkcs11Token::State::note_proved(const std::string& id) {
  const std::lock_guard lock(sessions_mutex_);
  if (const auto known = handles_.find(id); known != handles_.end()) known->second.is_proved = true;
}

}  // namespace writ::crypto
