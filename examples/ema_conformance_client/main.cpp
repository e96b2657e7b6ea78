// The client library in one page: reach a protected MCP server through the enterprise's identity provider, list its tools, call the first.
// It honours the contract of the public conformance suite's client mode: the server's URL is the last argument, the scenario's settings come in
// MCP_CONFORMANCE_CONTEXT (JSON), the protocol revision in MCP_CONFORMANCE_PROTOCOL_VERSION.

#include <cstdio>
#include <cstdlib>

#include "adapters/net/event_loops.h"
#include "adapters/net/upstream.h"
#include "adapters/outgoing/curl_outgoing.h"
#include "client/mcp_session.h"
#include "oauth/identifiers.h"

namespace {

using namespace writ;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string setting(const json::Value& context, std::string_view name) {
  const auto* value = context.find_string(name);
  return value ? *value : "";
}

// The scenario hands out a finished ID token, so there is nobody to sign in and nothing to renew.
class GivenIdToken final : public client::Subject {
 public:
  explicit GivenIdToken(std::string id_token) : id_token_(std::move(id_token)) {}
  Task<Result<client::IdentityAssertion, client::Failure>> current(bool renew) override {
    if (renew) co_return unexpected(client::Failure{client::FailureKind::sign_in_needed, "the ID token was not accepted", {}, {}, {}, {}});
    co_return client::IdentityAssertion{id_token_, std::string(oauth::kTokenTypeIdToken)};
  }

 private:
  std::string id_token_;
};

// Learns the resource authorization server's issuer from the server's own metadata: the scenario gives one registration and does not say
// for which issuer it is, so it is bound to the first one that is discovered.
Task<Result<std::string, client::Failure>> authorization_server_of(http::Outgoing& outgoing, std::string url) {
  const client::Challenge none;
  auto resource = co_await client::discover_protected_resource(outgoing, url, none);
  if (!resource) co_return unexpected(resource.error());
  co_return resource->authorization_servers.front();
}

Task<Result<void, client::Failure>> list_and_call(http::Outgoing& outgoing, http::Upstream& upstream, std::string url, json::Value context, std::string revision) {
  auto issuer = co_await authorization_server_of(outgoing, url);
  if (!issuer) co_return unexpected(issuer.error());

  const SystemClock clock;
  GivenIdToken subject(setting(context, "idp_id_token"));
  client::AccessSettings settings;
  settings.idp_issuer = setting(context, "idp_issuer");
  settings.idp_token_endpoint = setting(context, "idp_token_endpoint");
  settings.at_idp = {setting(context, "idp_client_id"), client::NoAuthentication{}};   // the suite's IdP registers no secret
  settings.at_resource_as[*issuer] = {setting(context, "client_id"), client::ClientSecretBasic{Secret(setting(context, "client_secret"))}};
  settings.accept_jwt_bearer_grant = true;   // the suite's server does not publish the profile
  client::Access access(outgoing, clock, subject, std::move(settings));
  client::McpHttp mcp_http(upstream, access, url);
  client::McpSession session(mcp_http, revision, {"ema-conformance-client", "0.1.0"});

  const auto opened = co_await session.open();
  if (!opened) co_return unexpected(opened.error());
  json::Value no_params = json::Object{};
  auto listed = co_await session.request("tools/list", std::move(no_params));
  if (!listed) co_return unexpected(listed.error());
  const json::Value* result = listed->value().find("result");
  const json::Value* tools = result ? result->find("tools") : nullptr;
  if (tools && tools->as_array() && !tools->as_array()->empty()) {
    json::Value call{{"name", setting(tools->as_array()->front(), "name")}, {"arguments", json::Object{}}};
    const auto called = co_await session.request("tools/call", std::move(call));
    if (!called) co_return unexpected(called.error());
  }
  co_await session.close();
  co_return Result<void, client::Failure>{};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: ema-conformance-client URL (settings in MCP_CONFORMANCE_CONTEXT)\n");
    return 2;
  }
  const auto context = json::parse(environment("MCP_CONFORMANCE_CONTEXT"));
  if (!context) {
    std::fprintf(stderr, "ema-conformance-client: MCP_CONFORMANCE_CONTEXT is no JSON\n");
    return 2;
  }
  std::string revision = environment("MCP_CONFORMANCE_PROTOCOL_VERSION");
  if (revision.empty()) revision = "2025-11-25";

  net::EventLoops loops(1);
  outgoing::CurlOutgoing outgoing({});
  net::PooledUpstream upstream(loops, {});
  QueueExecutor done_queue;
  bool done = false;
  int code = 1;
  loops.executor(0).post([&] {
    spawn(list_and_call(outgoing, upstream, argv[argc - 1], *context, revision),
          [&](std::exception_ptr exception, std::optional<Result<void, client::Failure>> outcome) {
            if (exception) std::fprintf(stderr, "ema-conformance-client: a bug: an exception escaped\n");
            else if (!*outcome) std::fprintf(stderr, "ema-conformance-client: %s\n", outcome->error().message.c_str());
            else code = 0;
            done_queue.post([&] { done = true; });
          });
  });
  done_queue.run_until([&] { return done; });
  loops.stop();
  return code;
}
