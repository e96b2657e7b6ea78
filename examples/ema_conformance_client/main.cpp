// The client library in one page: reach a protected MCP server, list its tools, call the first. How the token is got depends on what the client
// was given: an ID token of the enterprise (EMA), a registration of its own, a workload's assertion, or nothing but a browser.
//
// It honours the contract of the public conformance suite's client mode: the server's URL is the last argument, the scenario's settings come in
// MCP_CONFORMANCE_CONTEXT (JSON), the protocol revision in MCP_CONFORMANCE_PROTOCOL_VERSION.

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "adapters/net/event_loops.h"
#include "adapters/net/upstream.h"
#include "adapters/outgoing/curl_outgoing.h"
#include "client/access.h"
#include "client/grants/grant_access.h"
#include "client/grants/own_grants.h"
#include "client/mcp_session.h"
#include "headless_browser.h"
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

class GivenAssertion final : public client::WorkloadAssertion {
 public:
  explicit GivenAssertion(std::string jwt) : jwt_(std::move(jwt)) {}
  Task<Result<std::string, client::Failure>> current() override { co_return jwt_; }

 private:
  std::string jwt_;
};

// What a run is made with; everything outlives the tokens.
struct Parts {
  explicit Parts(http::Outgoing& outgoing_) : outgoing(outgoing_), browser(outgoing_) {}
  http::Outgoing& outgoing;
  SystemClock clock;
  conformance::HeadlessBrowser browser;
  client::AccountsInMemory accounts;
  std::unique_ptr<client::Subject> subject;
  std::unique_ptr<client::WorkloadAssertion> assertion;
  std::unique_ptr<client::Grant> grant;
  client::Possession possession{client::Possession::Use::always};   // wherever the authorization server understands it
};

// Most scenarios give one registration and do not say for which authorization server it is, so it is bound to the first that the server names.
Task<Result<std::string, client::Failure>> authorization_server_of(http::Outgoing& outgoing, std::string url, json::Value context) {
  if (const std::string issuer = setting(context, "issuer"); !issuer.empty()) co_return issuer;
  const client::Challenge none;
  auto resource = co_await client::discover_protected_resource(outgoing, url, none);
  if (!resource) co_return unexpected(resource.error());
  co_return resource->authorization_servers.front();
}

std::unique_ptr<client::TokenSource> enterprise(Parts& parts, const json::Value& context, const std::string& issuer) {
  parts.subject = std::make_unique<GivenIdToken>(setting(context, "idp_id_token"));
  client::AccessSettings settings;
  settings.idp_issuer = setting(context, "idp_issuer");
  settings.idp_token_endpoint = setting(context, "idp_token_endpoint");
  settings.at_idp = {setting(context, "idp_client_id"), client::NoAuthentication{}};   // the suite's IdP registers no secret
  settings.at_resource_as[issuer] = {setting(context, "client_id"), client::ClientSecretBasic{Secret(setting(context, "client_secret"))}};
  settings.accept_jwt_bearer_grant = true;   // the suite's server does not publish the profile
  return std::make_unique<client::Access>(parts.outgoing, parts.clock, *parts.subject, std::move(settings));
}

Result<client::PreRegistered, client::Failure> registered(const json::Value& context) {
  client::PreRegistered result{setting(context, "client_id"), Secret(setting(context, "client_secret")), std::nullopt};
  const Secret pem(setting(context, "private_key_pem"));
  if (pem.empty()) return result;
  auto key = crypto::PrivateKey::from_pem(pem);
  const auto algorithm = crypto::parse_algorithm(setting(context, "signing_algorithm"));
  if (!key || !algorithm || !key->fits(*algorithm)) {
    return unexpected(client::Failure{client::FailureKind::configuration, "`private_key_pem` and `signing_algorithm` do not fit each other", {}, {}, {}, {}});
  }
  result.key = jose::SigningKey{jose::thumbprint(key->public_key()), *algorithm, std::move(*key)};
  return result;
}

Task<Result<std::unique_ptr<client::TokenSource>, client::Failure>> token_source(Parts& parts, std::string url, json::Value context, std::string scenario, std::string revision) {
  std::map<std::string, client::PreRegistered> by_issuer;
  if (!setting(context, "client_id").empty()) {
    auto issuer = co_await authorization_server_of(parts.outgoing, url, context);
    if (!issuer) co_return unexpected(issuer.error());
    if (!setting(context, "idp_id_token").empty()) co_return enterprise(parts, context, *issuer);
    auto known = registered(context);
    if (!known) co_return unexpected(known.error());
    by_issuer.emplace(*issuer, std::move(*known));
  }
  if (const std::string jwt = setting(context, "valid_jwt"); !jwt.empty()) {
    parts.assertion = std::make_unique<GivenAssertion>(jwt);
    parts.grant = std::make_unique<client::WorkloadGrant>(parts.outgoing, parts.clock, *parts.assertion, std::move(by_issuer));
  } else if (scenario.starts_with("auth/client-credentials")) {
    parts.grant = std::make_unique<client::ClientCredentialsGrant>(parts.outgoing, parts.clock, std::move(by_issuer));
  } else {
    client::RegistrationSettings registration;
    registration.by_issuer = std::move(by_issuer);
    registration.client_id_metadata_url = "https://conformance-test.local/client-metadata.json";   // the suite's own
    registration.client_name = "ema-conformance-client";
    parts.grant = std::make_unique<client::AuthorizationCodeGrant>(parts.outgoing, parts.clock, parts.browser, parts.accounts, std::move(registration));
  }
  client::GrantAccessSettings settings;
  settings.possession = &parts.possession;
  settings.accept_2025_03_26 = revision < "2026";   // the suite has such servers behind later revisions of the old era
  std::unique_ptr<client::TokenSource> tokens = std::make_unique<client::GrantAccess>(parts.outgoing, parts.clock, *parts.grant, std::move(settings));
  co_return tokens;
}

Task<Result<void, client::Failure>> list_and_call(http::Outgoing& outgoing, http::Upstream& upstream, std::string url, json::Value context, std::string revision) {
  Parts parts(outgoing);
  const std::string scenario = environment("MCP_CONFORMANCE_SCENARIO");
  auto tokens = co_await token_source(parts, url, context, scenario, revision);
  if (!tokens) co_return unexpected(tokens.error());
  client::ProvingUpstream proving(upstream, parts.clock, parts.possession);
  client::McpHttp mcp_http(proving, **tokens, url);
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
  const std::string settings = environment("MCP_CONFORMANCE_CONTEXT");
  const auto context = json::parse(settings.empty() ? "{}" : settings);
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
