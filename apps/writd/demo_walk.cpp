#include "demo_walk.h"

#include <fmt/format.h>

#include "client/sign_in.h"
#include "client/token_request.h"
#include "demo_browser.h"
#include "encoding/base64url.h"
#include "mcp/json_rpc.h"
#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "oauth/identifiers.h"

namespace writ::writd {
namespace {

using client::Failure;

constexpr const char* kRedirectUri = "http://127.0.0.1:48999/callback";

std::string claim(const std::string& jwt, std::string_view name) {
  const auto first = jwt.find('.');
  const auto second = jwt.find('.', first + 1);
  if (first == std::string::npos || second == std::string::npos) return "";
  const auto payload = base64url::decode(jwt.substr(first + 1, second - first - 1));
  const auto claims = payload ? json::parse(*payload) : Result<json::Value, json::Problem>(unexpected(json::Problem::syntax));
  const auto* text = claims ? claims->find_string(name) : nullptr;
  return text ? *text : "";
}

// Prints the steps, and remembers whether each did what it says.
class Script {
 public:
  explicit Script(const DemoWalk& demo) : demo_(demo) {}
  void heading(const std::string& text) { demo_.print("\n" + text); }
  void begin() { began_ = std::chrono::steady_clock::now(); }
  bool step(bool good, const std::string& what, const std::string& detail) {
    const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_).count();
    demo_.print(fmt::format("  {} {:<62} {:>7.1f} ms", good ? "✓" : "✗", what, milliseconds));
    if (!detail.empty()) demo_.print("      " + detail);
    all_good_ = all_good_ && good;
    return good;
  }
  bool all_good() const { return all_good_; }

 private:
  const DemoWalk& demo_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  bool all_good_ = true;
};

struct Actor {
  const DemoWalk& demo;
  client::AuthorizationServer idp, ras;
  client::ProtectedResource resource;
  client::ClientCredentials at_idp, at_ras;
};

Task<Result<std::string, Failure>> sign_in(const Actor& actor, std::string user, const Secret& password) {
  auto attempt = client::begin_sign_in(actor.idp, actor.at_idp.client_id, kRedirectUri, {"openid email", "", std::nullopt});
  if (!attempt) co_return unexpected(attempt.error());
  DemoBrowser browser(actor.demo.outgoing);
  std::string secret(password.reveal());
  auto query = co_await browser.sign_in(attempt->authorization_url, kRedirectUri, user, secret);
  if (!query) co_return unexpected(query.error());
  auto code = client::read_authorization_response(*attempt, *query);
  if (!code) co_return unexpected(code.error());
  client::FormFields form = client::code_form(*attempt, *code);
  auto answer = co_await client::post_token_request(actor.demo.outgoing, actor.idp.token_endpoint, actor.idp.issuer, actor.at_idp, std::move(form), actor.demo.clock.now());
  if (!answer) co_return unexpected(answer.error());
  auto tokens = client::read_sign_in_tokens(*answer);
  if (!tokens) co_return unexpected(tokens.error());
  http::OutgoingRequest keys_request;
  keys_request.url = actor.idp.jwks_uri;
  auto keys_answer = co_await actor.demo.outgoing.fetch(std::move(keys_request));
  const auto keys = keys_answer ? jose::KeySet::parse(keys_answer->body) : std::nullopt;
  if (!keys || !client::verify_id_token(tokens->id_token, *keys, *attempt, std::nullopt, actor.demo.clock.now())) {
    co_return unexpected(Failure{client::FailureKind::protocol, "the ID token does not verify", {}, {}, {}, {}});
  }
  co_return tokens->id_token;
}

Task<Result<client::IdJag, Failure>> get_id_jag(const Actor& actor, std::string id_token) {
  client::FormFields form = client::id_jag_form({actor.ras.issuer, actor.resource.resource, "notes:read notes:write", id_token, std::string(oauth::kTokenTypeIdToken)});
  auto answer = co_await client::post_token_request(actor.demo.outgoing, actor.idp.token_endpoint, actor.idp.issuer, actor.at_idp, std::move(form), actor.demo.clock.now());
  if (!answer) co_return unexpected(answer.error());
  co_return client::read_id_jag(*answer, "notes:read notes:write");
}

Task<Result<client::AccessToken, Failure>> redeem(const Actor& actor, std::string assertion) {
  client::FormFields form = client::access_token_form(assertion, "", actor.resource.resource);
  auto answer = co_await client::post_token_request(actor.demo.outgoing, actor.ras.token_endpoint, actor.ras.issuer, actor.at_ras, std::move(form), actor.demo.clock.now());
  if (!answer) co_return unexpected(answer.error());
  co_return client::read_access_token(*answer, "");
}

// One stateless MCP request through the gateway.
Task<Result<http::OutgoingResponse, http::OutgoingFailure>> call(const Actor& actor, std::string method, json::Value params, std::string token) {
  json::Value meta{{std::string(mcp::kMetaVersion), mcp::kModernVersion}, {std::string(mcp::kMetaCapabilities), json::Object{}}};
  params.set("_meta", std::move(meta));
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = actor.demo.base + "/mcp/notes";
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json, text/event-stream");
  request.headers.add(std::string(mcp::kVersionHeader), std::string(mcp::kModernVersion));
  request.headers.add(std::string(mcp::kMethodHeader), method);
  if (const auto* name = params.find_string("name")) request.headers.add(std::string(mcp::kNameHeader), *name);
  if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
  request.body = json::write(json::Value{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}});
  request.response_bytes_max = 1 << 20;
  auto answer = co_await actor.demo.outgoing.fetch(std::move(request));
  co_return answer;
}

// The `result` of the answer, JSON or event stream; null when there is none.
json::Value result_of(const Result<http::OutgoingResponse, http::OutgoingFailure>& answer) {
  if (!answer || answer->status != 200) return {};
  std::vector<std::string> texts{answer->body};
  if (mcp::is_event_stream(answer->headers)) {
    texts.clear();
    mcp::SseParser parser(1 << 20);
    std::vector<mcp::Event> events;
    static_cast<void>(parser.feed(answer->body, events));
    for (const auto& event : events) texts.push_back(event.data);
  }
  for (const auto& text : texts) {
    const auto parsed = json::parse(text);
    const auto* result = parsed ? parsed->find("result") : nullptr;
    if (result) return *result;
  }
  return {};
}

std::string first_text(const json::Value& result) {
  const auto* content = result.find("content");
  if (!content || !content->as_array() || content->as_array()->empty()) return "";
  const auto* text = content->as_array()->front().find_string("text");
  return text ? *text : "";
}

bool is_error(const json::Value& result) {
  const auto* flag = result.find("isError");
  return flag && flag->as_bool() && *flag->as_bool();
}

std::string tool_names(const json::Value& result) {
  std::string names;
  const auto* tools = result.find("tools");
  if (!tools || !tools->as_array()) return names;
  for (const auto& tool : *tools->as_array()) {
    const auto* name = tool.find_string("name");
    if (name) names += (names.empty() ? "" : ", ") + *name;
  }
  return names;
}

std::string decision_code(const json::Value& result) {
  const auto* meta = result.find("_meta");
  const auto* decision = meta ? meta->find("writ/decision") : nullptr;
  const auto* code = decision ? decision->find_string("code") : nullptr;
  return code ? *code : "";
}

std::string reason_of(const Failure& failure) { return failure.message; }

}  // namespace

Task<bool> walk(DemoWalk demo) {
  Script script(demo);
  Actor desk{demo, {}, {}, {}, {"desk-at-idp", client::ClientSecretBasic{demo.world.secret_at_idp}}, {"desk-at-ras", client::ClientSecretBasic{demo.world.secret_at_ras}}};

  script.heading("The agent meets the server");
  script.begin();
  json::Value no_params = json::Object{};
  const auto unauthorized = co_await call(desk, "tools/list", no_params, "");
  const auto challenge = unauthorized ? client::bearer_challenge(unauthorized->headers) : client::Challenge{};
  if (!script.step(unauthorized && unauthorized->status == 401 && !challenge.parameter("resource_metadata").empty(), "a call without a token gets 401 and a place to look",
                   challenge.parameter("resource_metadata"))) {
    co_return false;
  }
  script.begin();
  auto resource = co_await client::discover_protected_resource(demo.outgoing, demo.base + "/mcp/notes", challenge);
  if (!script.step(resource.has_value(), "its metadata names the authorization server", resource ? resource->authorization_servers.front() : reason_of(resource.error()))) co_return false;
  desk.resource = *resource;
  script.begin();
  auto ras = co_await client::discover_authorization_server(demo.outgoing, desk.resource.authorization_servers.front());
  if (!script.step(ras && ras->supports_id_jag(), "which takes ID-JAGs", ras ? std::string(oauth::kGrantProfileIdJag) : reason_of(ras.error()))) co_return false;
  desk.ras = *ras;
  auto idp = co_await client::discover_authorization_server(demo.outgoing, demo.base + "/idp");
  if (!idp) co_return script.step(false, "the identity provider publishes its metadata", reason_of(idp.error()));
  desk.idp = *idp;

  script.heading("Alice, in engineering, is let in");
  script.begin();
  auto alice = co_await sign_in(desk, "alice", demo.world.alice_password);
  if (!script.step(alice.has_value(), "she signs in once at the company (code, PKCE)", alice ? "ID token for " + claim(*alice, "aud") : reason_of(alice.error()))) co_return false;
  script.begin();
  auto id_jag = co_await get_id_jag(desk, *alice);
  if (!script.step(id_jag.has_value(), "the agent exchanges her ID token for an ID-JAG",
                   id_jag ? "jti " + claim(id_jag->assertion, "jti") + ", scope " + id_jag->scope : reason_of(id_jag.error()))) {
    co_return false;
  }
  script.begin();
  auto token = co_await redeem(desk, id_jag->assertion);
  if (!script.step(token.has_value(), "and redeems it for an access token, no consent screen",
                   token ? "jti " + claim(token->value, "jti") + ", for " + claim(token->value, "aud") : reason_of(token.error()))) {
    co_return false;
  }
  script.begin();
  const auto list_answer = co_await call(desk, "tools/list", no_params, token->value);
  const auto listed = result_of(list_answer);
  const std::string names = tool_names(listed);
  script.step(names.find("search_notes") != std::string::npos && names.find("delete_note") == std::string::npos, "the gateway lists only what she may use", names);
  script.begin();
  json::Value search{{"name", "search_notes"}, {"arguments", json::Value{{"query", "budget"}}}};
  const auto search_answer = co_await call(desk, "tools/call", search, token->value);
  const auto found = result_of(search_answer);
  script.step(!first_text(found).empty() && !is_error(found), "a call goes through to the MCP server", first_text(found).substr(0, 90));
  script.begin();
  json::Value remove{{"name", "delete_note"}, {"arguments", json::Value{{"id", "n1"}}}};
  const auto remove_answer = co_await call(desk, "tools/call", remove, token->value);
  const auto denied = result_of(remove_answer);
  const std::string denied_code = decision_code(denied);
  script.step(!denied_code.empty(), "a tool that she may not use is denied, with a reason", first_text(denied).substr(0, 160));

  script.heading("The same ID-JAG a second time");
  script.begin();
  auto replayed = co_await redeem(desk, id_jag->assertion);
  script.step(!replayed && replayed.error().error == "invalid_grant", "is refused", replayed ? "it was accepted" : reason_of(replayed.error()));

  script.heading("Bob, in marketing, is not let in");
  script.begin();
  auto bob = co_await sign_in(desk, "bob", demo.world.bob_password);
  if (!script.step(bob.has_value(), "he signs in like everybody", bob ? "" : reason_of(bob.error()))) co_return false;
  script.begin();
  auto refused = co_await get_id_jag(desk, *bob);
  const std::string code = refused ? "" : refused.error().denial_code;
  script.step(!refused && refused.error().error == "access_denied" && !code.empty(), "the identity provider issues nothing for him", refused ? "it did" : reason_of(refused.error()));

  script.heading("Everything is in the audit trail");
  script.begin();
  const auto position = audit::parse_denial_code(code);
  auto record = co_await demo.audit.at(position ? position->position : 0);
  const bool explained = record && *record && (*record)->json_line.find("\"effect\":\"deny\"") != std::string::npos;
  script.step(explained, "writ why " + code, explained ? (*record)->json_line : "there is no record");
  script.begin();
  audit::Query chain;
  chain.id_jag_jti = claim(id_jag->assertion, "jti");
  auto linked = co_await demo.audit.query(chain);
  script.step(linked && linked->size() >= 3, "the ID-JAG's records: issued, redeemed, replayed",
              linked ? fmt::format("{} records carry jti {}", linked->size(), chain.id_jag_jti) : "the log does not answer");
  co_return script.all_good();
}

}  // namespace writ::writd
