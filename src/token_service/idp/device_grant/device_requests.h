#pragma once

// Devices that wait for a person to let them in (RFC 8628). A request lives for ten minutes, and whoever lost one begins again. Bounded, and bounded for each
// place they come from.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "token_service/request_home.h"

namespace writ::token_service::idp {

struct DeviceRequest {
  std::string user_code;         // eight consonants and no dash; also its name here
  std::string device_code_digest;
  std::string client_id, agent_id, scope;
  std::string peer;              // where it came from: shown to the person who is asked
  Instant created{}, expires{};
  enum class State { waiting, approved, denied } state = State::waiting;
};

// Safe to share between threads.
class DeviceRequests final : public registry::DocumentOwner {
 public:
  static constexpr Seconds kLifetime{600}, kInterval{5};
  static constexpr std::size_t kMax = 10'000, kOfOneSourceMax = 50;

  DeviceRequests() = default;   // of a process alone
  static Result<std::shared_ptr<DeviceRequests>, Unavailable> open(RequestHome home);

  struct New {
    std::string device_code;     // 32 random bytes; kept as its digest alone
    DeviceRequest request;
  };
  // Absent: there are too many.
  Task<Result<std::optional<New>, Unavailable>> add(std::string client_id, std::string agent_id, std::string scope, std::string peer, Instant now);

  // What a person typed: upper or lower case, dashes and spaces anywhere. Absent for what is no code, is unknown, over, or decided already.
  std::optional<DeviceRequest> find_waiting(std::string_view typed, Instant now) const;
  // False when it is no longer waiting: of two answers the first counts.
  Task<Result<bool, Unavailable>> decide(std::string user_code, DeviceRequest::State state, Instant now);

  enum class Poll { unknown, of_another_client, expired, slow_down, waiting, approved, denied };
  // Each answer costs the device its interval; asking too soon makes that longer (RFC 8628 §3.5). Of several nodes each counts what it is asked.
  Poll poll(std::string_view device_code, std::string_view client_id, Instant now);
  void forget_expired(Instant now);

  std::string_view table() const override { return home_.table(); }
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    DeviceRequest request;
    std::int64_t version = 1;
    Instant next_poll{};
    Seconds interval{kInterval};
  };
  static constexpr Seconds kRemembered{60};   // after its end, so that a device hears that it is over

  explicit DeviceRequests(RequestHome home) : home_(std::move(home)) {}
  registry::Document document_of(const Entry& entry) const;
  std::optional<New> add_here(std::string client_id, std::string agent_id, std::string scope, std::string peer, Instant now);

  RequestHome home_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> by_user_code_;
  std::map<std::string, std::string, std::less<>> by_digest_;   // of the device code
};

// "WDJBMJHT" as people read it: "WDJB-MJHT".
std::string shown_code(std::string_view user_code);

// Wrong codes of one person: ten in ten minutes, then none is looked at. A code has 34 bits, and there are 10,000 at most: guessing one takes longer than it lives.
class CodeGuesses {
 public:
  static constexpr int kMax = 10;
  static constexpr Seconds kWindow{600};
  bool may_try(const std::string& user, Instant now);
  void failed(const std::string& user, Instant now);

 private:
  struct Window {
    Instant began{};
    int failures = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Window> windows_;
};

}  // namespace writ::token_service::idp
