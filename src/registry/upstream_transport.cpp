#include "registry/upstream_transport.h"

#include "encoding/uri.h"

namespace writ::registry {
namespace {

using Transport = UpstreamAddress::Transport;
const std::vector<std::pair<std::string, Transport>> kTransports = {
    {"streamable_http", Transport::streamable_http}, {"http_sse", Transport::http_sse}, {"stdio", Transport::stdio}};

std::string shown(std::string_view text) {
  std::string out = "`";
  for (const char letter : text.substr(0, 100)) out += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F ? '?' : letter;
  return out + "`";
}

}  // namespace

void read_transport(Fields& upstream, UpstreamAddress& address) {
  const Transport unsaid = upstream.has("program") ? Transport::stdio : Transport::streamable_http;
  address.transport = upstream.choice("transport", unsaid, kTransports);
  address.url = address.transport == Transport::stdio ? upstream.text("url") : upstream.required_text("url");
}

void write_transport(const UpstreamAddress& address, json::Value& upstream) {
  const Transport unsaid = address.program ? Transport::stdio : Transport::streamable_http;
  for (const auto& [word, transport] : kTransports) {
    if (transport == address.transport && transport != unsaid) upstream.set("transport", word);
  }
  if (!address.url.empty()) upstream.set("url", address.url);
}

std::vector<std::pair<std::string, std::string>> problems_of_transport(const UpstreamAddress& address) {
  if (address.transport == Transport::stdio) {
    if (address.url.empty()) return {};
    return {{"url", "a program on stdio has no `url`; write `transport: streamable_http` or `http_sse` for a server that is reached over HTTP"}};
  }
  std::vector<std::pair<std::string, std::string>> problems;
  const auto parsed = uri::parse(address.url);
  // Arguments and results of calls go over this connection.
  if (!parsed || !uri::is_secure_or_loopback(*parsed) || parsed->fragment || parsed->has_userinfo) {
    problems.emplace_back("url", "`url` must be an https URL (http only on loopback), not " + shown(address.url));
  }
  if (address.transport == Transport::http_sse && address.era == UpstreamAddress::Era::modern) {
    problems.emplace_back("era", "the HTTP+SSE transport is older than the modern era; leave `era` out, or write `transport: streamable_http`");
  }
  return problems;
}

}  // namespace writ::registry
