#include "upstreams/by_transport.h"

#include <gtest/gtest.h>

namespace writ::upstreams {
namespace {

class Named final : public Upstream {
 public:
  explicit Named(int status) : status_(status) {}
  Task<Result<http::UpstreamResponse, Failure>> send(Request) override {
    http::UpstreamResponse response;
    response.status = status_;
    co_return response;
  }

 private:
  int status_;
};

Request request_for(registry::UpstreamAddress::Transport transport) {
  registry::Server server;
  server.id = "notes";
  server.upstream.emplace().transport = transport;
  registry::Objects objects;
  objects.servers.push_back(server);
  Request request;
  request.snapshot = std::make_shared<const registry::Snapshot>(std::move(objects), 1);
  request.server = request.snapshot->server("notes");
  return request;
}

TEST(ByTransport, GoesToTheTransportThatTheServersObjectNames) {
  using Transport = registry::UpstreamAddress::Transport;
  Named streamable(201), sse(202), stdio(203);
  ByTransport all({&streamable, &sse, &stdio});
  EXPECT_EQ(run(all.send(request_for(Transport::streamable_http)))->status, 201);
  EXPECT_EQ(run(all.send(request_for(Transport::http_sse)))->status, 202);
  EXPECT_EQ(run(all.send(request_for(Transport::stdio)))->status, 203);
}

TEST(ByTransport, ATransportThatIsNotHereFailsAndIsNeverReplacedByAnother) {
  Named streamable(201);
  ByTransport some({&streamable, nullptr, nullptr});
  const auto answer = run(some.send(request_for(registry::UpstreamAddress::Transport::stdio)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Failure::Kind::connect);
  EXPECT_NE(answer.error().detail.find("`notes`"), std::string::npos);
}

}  // namespace
}  // namespace writ::upstreams
