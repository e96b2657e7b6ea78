#include "upstreams/http_sse/endpoint.h"

#include "encoding/uri.h"
#include "http/message.h"

namespace writ::upstreams::http_sse {
namespace {

constexpr std::size_t kReferenceBytesMax = 2'048;

// RFC 3986 §5.2, as far as servers use it: no dot segments are taken out.
std::string absolute(const uri::Uri& base, std::string_view reference) {
  const std::string host = base.host.find(':') == std::string::npos ? base.host : "[" + base.host + "]";
  const std::string origin = base.scheme + "://" + host + (base.port ? ":" + std::to_string(*base.port) : "");
  if (reference.starts_with("//")) return base.scheme + ":" + std::string(reference);
  if (reference.starts_with("/")) return origin + std::string(reference);
  if (reference.starts_with("?")) return origin + (base.path.empty() ? "/" : base.path) + std::string(reference);
  return origin + base.path.substr(0, base.path.rfind('/') + 1) + (base.path.empty() ? "/" : "") + std::string(reference);
}

bool has_scheme(std::string_view reference) {
  const auto colon = reference.find(':');
  return colon != std::string_view::npos && reference.substr(0, colon).find_first_of("/?#") == std::string_view::npos;
}

}  // namespace

std::string_view to_string(EndpointProblem problem) {
  switch (problem) {
    case EndpointProblem::malformed: return "the server names no usable endpoint for its messages";
    case EndpointProblem::other_origin: return "the server wants its messages sent to another origin than the configured one";
  }
  return "";
}

Result<std::string, EndpointProblem> resolve_endpoint(std::string_view stream_url, std::string_view reference) {
  const auto base = uri::parse(stream_url);
  if (!base || reference.empty() || reference.size() > kReferenceBytesMax) return unexpected(EndpointProblem::malformed);
  std::string url = has_scheme(reference) ? std::string(reference) : absolute(*base, reference);
  const auto parsed = uri::parse(url);
  if (!parsed || parsed->fragment || parsed->has_userinfo) return unexpected(EndpointProblem::malformed);
  const bool is_same = parsed->scheme == base->scheme && http::equals_ignoring_case(parsed->host, base->host) && parsed->effective_port() == base->effective_port();
  if (!is_same) return unexpected(EndpointProblem::other_origin);
  return url;
}

}  // namespace writ::upstreams::http_sse
