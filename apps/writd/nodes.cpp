#include "nodes.h"

#include <algorithm>

#include "admin/administration.h"
#include "base/task.h"
#include "encoding/uri.h"

namespace writ::writd {
namespace {

http::Response out_of_touch() {
  http::Response response = http::no_store(http::json(503, R"({"error":"temporarily_unavailable","error_description":"this node has lost touch with the others"})"));
  response.headers.add("Retry-After", "1");
  return response;
}

bool names_one_of(const crypto::ClientCertificate& certificate, const std::vector<nodes::Peer>& others) {
  return std::any_of(others.begin(), others.end(), [&](const nodes::Peer& peer) {
    const auto url = uri::parse(peer.url);
    if (!url) return false;
    const auto is_host = [&](const std::string& name) { return http::equals_ignoring_case(name, url->host); };
    return std::any_of(certificate.dns_names.begin(), certificate.dns_names.end(), is_host) || std::any_of(certificate.ip_addresses.begin(), certificate.ip_addresses.end(), is_host);
  });
}

Task<http::Response> refuse() { co_return out_of_touch(); }

Task<http::Response> serve_in_term(const nodes::Membership& membership, const http::Handler& handler, const http::Request& request, std::uint64_t term) {
  auto response = co_await handler(request);
  // Between decision and answer the lease may have ended, and something been forbidden that this node has not heard of.
  if (membership.may_serve() && membership.term() == term) co_return response;
  co_return out_of_touch();
}

}  // namespace

http::Handler while_serving(const nodes::Membership& membership, http::Handler handler) {
  return [&membership, handler = std::move(handler)](const http::Request& request) {
    if (request.path == "/healthz") return handler(request);
    const std::uint64_t term = membership.term();
    if (!membership.may_serve()) return refuse();
    return serve_in_term(membership, handler, request, term);
  };
}

Task<bool> is_of_a_node(nodes::Membership& membership, const crypto::ClientCertificate& certificate) {
  if (names_one_of(certificate, membership.others())) co_return true;
  const auto caught_up = co_await membership.catch_up();   // it may have started a moment ago
  co_return caught_up && names_one_of(certificate, membership.others());
}

// It decides nothing, so nobody waits for it.
class NodeFollowing::Candidate final : public registry::DocumentOwner {
 public:
  Candidate(admin::Administration& administration, net::EventLoops& loops) : administration_(administration), loops_(loops) {}
  std::string_view table() const override { return "policy_candidate"; }
  Result<void, Unavailable> take_over(const registry::Document&) override {
    loops_.executor(0).post([this] { spawn(administration_.follow_candidate(), [](std::exception_ptr, std::optional<Result<void, Unavailable>>) {}); });
    return {};
  }

 private:
  admin::Administration& administration_;
  net::EventLoops& loops_;
};

NodeFollowing::NodeFollowing(nodes::Membership& membership, Deployment::Parts& parts, admin::Administration& administration, net::EventLoops& loops)
    : candidate_(std::make_unique<Candidate>(administration, loops)) {
  membership.follow(*parts.revocations);
  membership.follow(*parts.device_keys);
  membership.follow(*parts.approvals);
  membership.follow(*parts.ema_refusals);
  membership.follow(*parts.linked_accounts->offers);
  if (parts.security_events && parts.security_events->streams) membership.follow(*parts.security_events->streams);
  if (parts.security_events && parts.security_events->seen) membership.follow(*parts.security_events->seen);
  if (parts.security_events && parts.security_events->people) membership.follow(*parts.security_events->people);
  if (parts.scim.kept) membership.follow(*parts.scim.kept);
  membership.follow(*candidate_);
  if (parts.idp) {
    membership.follow(*parts.idp->sessions);
    membership.follow(*parts.idp->codes);
    membership.follow(*parts.idp->refresh_tokens);
    membership.follow(*parts.idp->second_factors);
    membership.follow(*parts.idp->keys);
    membership.follow(*parts.idp->idp->pushed);
    membership.follow(*parts.idp->idp->devices);
  }
  if (parts.resource_as) membership.follow(*parts.resource_as->keys);
  if (parts.resource_as) membership.follow(*parts.resource_as->pushed);
  if (parts.resource_as && parts.resource_as->encryption_keys) membership.follow(*parts.resource_as->encryption_keys);
  if (parts.security_events && parts.security_events->keys) membership.follow(*parts.security_events->keys);
  if (parts.gateway && parts.gateway->credentials->store) membership.follow(*parts.gateway->credentials->store);
  nodes::FollowedObjects objects;
  objects.sequence = [&administration] { return administration.catalogue()->sequence; };
  objects.follow = [&administration, &loops](std::function<void(bool)> done) {
    loops.executor(0).post([&administration, done = std::move(done)] {
      spawn(administration.follow(), [done](std::exception_ptr failure, std::optional<Result<void, Unavailable>> followed) { done(!failure && followed && *followed); });
    });
  };
  membership.follow(std::move(objects));
}

NodeFollowing::~NodeFollowing() = default;

}  // namespace writ::writd
