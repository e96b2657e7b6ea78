#pragma once

// One exchange as curl does it. Private to this folder.

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/outgoing/curl_outgoing.h"
#include "base/executor.h"
#include "encoding/uri.h"

namespace writ::outgoing {

// Refuses a request that must not be sent, before anything is looked up.
std::optional<http::OutgoingFailure> check_request(const http::OutgoingRequest& request, const CurlOptions& options);

class Transfer {
 public:
  Transfer(http::OutgoingRequest request, const CurlOptions& options);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() { return handle_; }
  bool is_ready() const { return handle_ != nullptr; }
  // On curl's thread, when curl is done with it: makes the result out of what was received.
  void finish(CURLcode code);
  void give_up(const char* why);

  using Outcome = Result<http::OutgoingResponse, http::OutgoingFailure>;
  Outcome take_outcome() { return std::move(*outcome_); }

  Executor* executor = nullptr;        // where the waiting coroutine lives
  std::function<void(bool)> resume;

 private:
  static curl_socket_t open_socket(void* transfer, curlsocktype purpose, curl_sockaddr* address);
  static std::size_t receive_body(char* bytes, std::size_t size, std::size_t count, void* transfer);
  static std::size_t receive_field(char* bytes, std::size_t size, std::size_t count, void* transfer);
  bool set_options(const CurlOptions& options);

  http::OutgoingRequest request_;
  http::OutgoingResponse response_;
  std::optional<Outcome> outcome_;
  CURL* handle_ = nullptr;
  curl_slist* fields_ = nullptr;
  std::size_t head_bytes_ = 0;
  bool is_http_ = false;
  bool is_proxied_ = false;
  bool is_too_large_ = false;
  bool is_malformed_ = false;
  std::string refused_address_;
};

}  // namespace writ::outgoing
