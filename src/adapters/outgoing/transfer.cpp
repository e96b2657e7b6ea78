#include "adapters/outgoing/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "adapters/outgoing/address.h"
#include "http/head.h"

namespace writ::outgoing {
namespace {

using http::OutgoingFailure;
using Kind = OutgoingFailure::Kind;

constexpr std::size_t kHeadBytesMax = 64 * 1024;

std::optional<Address> address_of(const curl_sockaddr& socket_address) {
  Address address;
  if (socket_address.family == AF_INET && socket_address.addrlen >= sizeof(sockaddr_in)) {
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in&>(socket_address.addr).sin_addr, 4);
    return address;
  }
  if (socket_address.family == AF_INET6 && socket_address.addrlen >= sizeof(sockaddr_in6)) {
    address.is_v4 = false;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(socket_address.addr).sin6_addr, 16);
    return address;
  }
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::strchr(" \t\r\n", text.front())) text.remove_prefix(1);
  while (!text.empty() && std::strchr(" \t\r\n", text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<OutgoingFailure> check_request(const http::OutgoingRequest& request, const CurlOptions& options) {
  const auto uri = uri::parse(request.url);
  if (!uri) return OutgoingFailure{Kind::refused_url, "the URL is malformed"};
  if (uri->has_userinfo) return OutgoingFailure{Kind::refused_url, "the URL has user information"};
  if (!uri::is_secure_or_loopback(*uri)) return OutgoingFailure{Kind::refused_url, "neither https nor loopback"};
  if (request.public_addresses_only) {
    if (uri->scheme != "https") return OutgoingFailure{Kind::refused_url, "not https"};
    if (std::find(options.public_ports.begin(), options.public_ports.end(), uri->effective_port()) == options.public_ports.end()) {
      return OutgoingFailure{Kind::refused_url, "port not allowed"};
    }
    if (uri->is_loopback()) return OutgoingFailure{Kind::refused_address, "loopback"};
    if (const auto address = parse_address(uri->host)) {
      if (const char* use = special_use(*address)) return OutgoingFailure{Kind::refused_address, use};
    }
  }
  if (!http::is_token(request.method)) return OutgoingFailure{Kind::refused_url, "the method is malformed"};
  for (const auto& [name, value] : request.headers.fields()) {
    if (!http::is_token(name) || !http::is_field_value(value)) return OutgoingFailure{Kind::refused_url, "a header field is malformed"};
  }
  return std::nullopt;
}

Transfer::Transfer(http::OutgoingRequest request, const CurlOptions& options) : request_(std::move(request)), handle_(curl_easy_init()) {
  if (handle_ && !set_options(options)) {
    curl_easy_cleanup(handle_);
    handle_ = nullptr;
  }
}

Transfer::~Transfer() {
  if (handle_) curl_easy_cleanup(handle_);
  curl_slist_free_all(fields_);
}

bool Transfer::set_options(const CurlOptions& options) {
  const auto uri = uri::parse(request_.url);
  if (!uri) return false;
  is_http_ = uri->scheme == "http";
  is_proxied_ = !options.proxy.empty() && !uri->is_loopback() && !request_.public_addresses_only;
  bool ok = true;
  const auto set = [this, &ok](CURLoption option, auto value) { ok = curl_easy_setopt(handle_, option, value) == CURLE_OK && ok; };

  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_PROTOCOLS_STR, is_http_ ? "http" : "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);   // N2
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max(1, request_.timeout_ms)));
  set(CURLOPT_PROXY, is_proxied_ ? options.proxy.c_str() : "");   // never null: null would ask the environment
  set(CURLOPT_NOPROXY, "");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const std::string& ca_file = request_.ca_file.empty() ? options.ca_file : request_.ca_file;
  if (!ca_file.empty()) set(CURLOPT_CAINFO, ca_file.c_str());
  if (!request_.client_certificate_file.empty()) {
    set(CURLOPT_SSLCERT, request_.client_certificate_file.c_str());
    set(CURLOPT_SSLKEY, request_.client_key_file.c_str());
  }
  set(CURLOPT_USERAGENT, options.user_agent.c_str());
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::receive_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::receive_field);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  if (request_.public_addresses_only) {
    // A kept connection to the same name may have been opened without the check.
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
  }

  const auto add_field = [this, &ok](const std::string& line) {
    curl_slist* longer = curl_slist_append(fields_, line.c_str());
    if (longer) fields_ = longer;
    ok = longer && ok;
  };
  for (const auto& [name, value] : request_.headers.fields()) add_field(value.empty() ? name + ";" : name + ": " + value);
  if (request_.headers.count("content-type") == 0) add_field("Content-Type:");   // curl would claim a form
  add_field("Expect:");
  set(CURLOPT_HTTPHEADER, fields_);

  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request_.method != "GET" || !request_.body.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  return ok;
}

// The last word on where a connection goes: curl calls this with the very address that it is about to connect to.
curl_socket_t Transfer::open_socket(void* self, curlsocktype, curl_sockaddr* socket_address) {
  auto& transfer = *static_cast<Transfer*>(self);
  const auto address = address_of(*socket_address);
  if (!address) {
    transfer.refused_address_ = "no IP address";
    return CURL_SOCKET_BAD;
  }
  if (transfer.request_.public_addresses_only) {
    if (const char* use = special_use(*address)) {
      transfer.refused_address_ = use;
      return CURL_SOCKET_BAD;
    }
  }
  if (transfer.is_http_ && !transfer.is_proxied_ && !is_loopback(*address)) {   // `localhost` may resolve to anything
    transfer.refused_address_ = "plain http to an address that is not loopback";
    return CURL_SOCKET_BAD;
  }
  return ::socket(socket_address->family, socket_address->socktype | SOCK_CLOEXEC, socket_address->protocol);
}

std::size_t Transfer::receive_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t received = size * count;
  if (received > transfer.request_.response_bytes_max - transfer.response_.body.size()) {
    transfer.is_too_large_ = true;
    return received == 0 ? 1 : 0;   // anything but `received` makes curl stop
  }
  transfer.response_.body.append(bytes, received);
  return received;
}

std::size_t Transfer::receive_field(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t received = size * count;
  transfer.head_bytes_ += received;
  if (transfer.head_bytes_ > kHeadBytesMax) {
    transfer.is_too_large_ = true;
    return 0;
  }
  const std::string_view line(bytes, received);
  if (line.starts_with("HTTP/")) {   // another head follows an interim answer, or that of a proxy
    transfer.response_.headers = {};
    return received;
  }
  if (trim(line).empty()) return received;
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = colon == std::string_view::npos ? std::string_view() : trim(line.substr(colon + 1));
  if (colon == std::string_view::npos || !http::is_token(name) || !http::is_field_value(value)) {
    transfer.is_malformed_ = true;
    return 0;
  }
  transfer.response_.headers.add(std::string(name), std::string(value));
  return received;
}

void Transfer::finish(CURLcode code) {
  const auto fail = [this](Kind kind, std::string detail) { outcome_.emplace(Unexpected(OutgoingFailure{kind, std::move(detail)})); };
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 599) return fail(Kind::broken, "no HTTP status");
    response_.status = static_cast<int>(status);
    outcome_.emplace(std::move(response_));
    return;
  }
  const char* text = curl_easy_strerror(code);
  if (is_too_large_) return fail(Kind::too_large, "the response is larger than allowed");
  if (is_malformed_) return fail(Kind::broken, "the response has a malformed header field");
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return fail(Kind::timeout, text);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return fail(Kind::connect, text);
    case CURLE_COULDNT_CONNECT:
      if (!refused_address_.empty()) return fail(Kind::refused_address, refused_address_);
      return fail(Kind::connect, text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR: return fail(Kind::tls, text);
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED: return fail(Kind::refused_url, text);
    default: return fail(Kind::broken, text);
  }
}

void Transfer::give_up(const char* why) { outcome_.emplace(Unexpected(OutgoingFailure{Kind::broken, why})); }

}  // namespace writ::outgoing
