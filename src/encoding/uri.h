#pragma once

// Absolute URIs (RFC 3986), split without normalising: identifiers are compared byte for byte (C11), so nothing here rewrites them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace writ::uri {

struct Uri {
  std::string scheme;      // lower case
  std::string host;        // as written; IPv6 without brackets
  std::optional<std::uint16_t> port;
  std::string path;        // as written, may be empty
  std::optional<std::string> query;
  std::optional<std::string> fragment;
  bool has_userinfo = false;

  std::uint16_t effective_port() const;      // 443 for https, 80 for http when none is written
  std::string origin() const;                // scheme://host[:port], port only when written
  bool is_loopback() const;                  // 127.0.0.0/8, ::1, localhost
};

// Absent for anything that is no absolute http(s) URI in plain ASCII, or that has control characters, spaces, or backslashes.
std::optional<Uri> parse(std::string_view text);

// https, or http on loopback (EMA-11): what issuers, resources and endpoints must be.
bool is_secure_or_loopback(const Uri& uri);
// An issuer identifier: secure, no query, no fragment, no user information (RFC 8414 §2), no dot segments.
bool is_issuer(std::string_view text);
// A resource indicator: secure, absolute, no fragment, no user information, no dot segments (RFC 8707 §2). A query is allowed.
bool is_resource(std::string_view text);
// A registered redirect URI matches exactly; a loopback IP may vary in its port (RFC 8252 §7.3, OB-134).
bool redirect_matches(std::string_view registered, std::string_view requested);
// Inserts "/.well-known/{name}" between host and path. Of an issuer any terminating "/" is dropped (RFC 8414 §3.1); of a resource
// (name "oauth-protected-resource") only a path that is nothing but "/", and its query stays (RFC 9728 §3.1).
std::optional<std::string> well_known(std::string_view identifier, std::string_view name);
// The older form of OpenID Connect Discovery §4.1: appended behind the issuer's path.
std::optional<std::string> well_known_appended(std::string_view issuer, std::string_view name);
// Percent-encodes everything but unreserved characters.
std::string encode_component(std::string_view text);

}  // namespace writ::uri
