#include "gateway/handing_on.h"

#include <algorithm>
#include <utility>

#include "telemetry/trail.h"

namespace writ::gateway {
namespace {

constexpr std::string_view kAddress = "Writ-Peer-Address", kScheme = "Writ-Peer-Scheme", kCertificate = "Writ-Peer-Certificate";
constexpr std::string_view kRequestId = "X-Request-Id";

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view one) { return http::equals_ignoring_case(name, one); });
}

// RFC 9110 §7.6.1, and what either side's reader and writer make themselves.
bool is_of_the_connection(std::string_view name) {
  return is_one_of(name, {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Content-Length", "Host", "Date"});
}

bool is_ours(std::string_view name) { return is_one_of(name, {kAddress, kScheme, kCertificate}); }

using IsNode = std::function<Task<bool>(const crypto::ClientCertificate&)>;

Task<http::Response> answer_node(const http::Handler& gateway, const IsNode& is_node, const http::Request& request) {
  const auto certificate = request.peer.certificate;
  bool is_of_node = false;
  if (certificate && certificate->trusted) is_of_node = co_await is_node(*certificate);
  const auto taken = is_of_node ? take_over(request) : std::nullopt;
  if (!taken) co_return http::text(403, "this is for the nodes of the deployment\n");
  http::Response response = co_await gateway(*taken);
  co_return response;
}

}  // namespace

http::UpstreamRequest hand_on(const http::Request& request, const std::string& address) {
  http::UpstreamRequest onward;
  onward.method = request.method;
  onward.url = address + request.path + (request.query.empty() ? "" : "?" + request.query);
  onward.body = request.body;
  for (const auto& [name, value] : request.headers.fields()) {
    // A client that writes these fields itself is not believed at its own address, and must not be at the other node.
    if (!is_of_the_connection(name) && !is_ours(name) && !http::equals_ignoring_case(name, kRequestId)) onward.headers.add(name, value);
  }
  if (const auto* trace = request.trail ? request.trail->onward() : nullptr) telemetry::write_trace_context(onward.headers, *trace);
  if (request.trail) onward.headers.add(std::string(kRequestId), request.trail->request_id);
  onward.headers.add(std::string(kAddress), request.peer.address);
  onward.headers.add(std::string(kScheme), request.peer.secure ? "https" : "http");
  if (request.peer.certificate) onward.headers.add(std::string(kCertificate), request.peer.certificate->x5t);
  return onward;
}

std::optional<http::Request> take_over(const http::Request& request) {
  const auto *address = request.headers.find_single(kAddress), *scheme = request.headers.find_single(kScheme);
  if (!address || !scheme || request.headers.count(kCertificate) > 1) return std::nullopt;
  http::Request taken = request;
  taken.peer = {};
  taken.peer.address = *address;
  taken.peer.secure = *scheme == "https";
  taken.peer.by_node = true;
  if (const auto* x5t = request.headers.find(kCertificate)) {
    // That its holder has the key was proved to the other node; whose tokens are bound to it is told by its thumbprint alone.
    crypto::ClientCertificate certificate;
    certificate.x5t = *x5t;
    taken.peer.certificate = std::make_shared<const crypto::ClientCertificate>(std::move(certificate));
  }
  for (const std::string_view name : {kAddress, kScheme, kCertificate}) taken.headers.erase(name);
  return taken;
}

http::Headers hand_back(const http::Headers& headers) {
  http::Headers back;
  for (const auto& [name, value] : headers.fields()) {
    if (!is_of_the_connection(name)) back.add(name, value);
  }
  return back;
}

http::Handler for_other_nodes(http::Handler gateway, IsNode is_node) {
  return [gateway = std::move(gateway), is_node = std::move(is_node)](const http::Request& request) { return answer_node(gateway, is_node, request); };
}

}  // namespace writ::gateway
