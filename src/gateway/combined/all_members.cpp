// What is meant for all members that the caller may use: asked at once, and answered as one.

#include <iterator>
#include <utility>

#include "gateway/answers.h"
#include "gateway/combined/built_in_tools.h"
#include "gateway/combined/endpoint.h"
#include "gateway/combined/merging.h"
#include "gateway/combined/translation.h"
#include "mcp/streamable_http.h"

namespace writ::gateway::combined {
namespace {

using State = MemberAnswer::State;

constexpr std::string_view kMetaLeftOut = "writ/left_out";
constexpr std::string_view kLatestLegacyVersion = "2025-11-25";

std::string title_of(const registry::Server& server) { return server.display_name.empty() ? server.id : server.display_name; }

std::string list_purpose(const registry::Server& endpoint, std::string_view method) { return json::write(json::Array{"cursor", endpoint.id, method}); }

// What a legacy member must have said about itself to be asked for a list at all.
const char* capability_of(mcp::List list) {
  switch (list) {
    case mcp::List::tools: return "tools";
    case mcp::List::prompts: return "prompts";
    case mcp::List::tasks: return "tasks";
    default: return "resources";
  }
}

json::Value left_out(const std::vector<std::string>& servers, const std::vector<std::string>& states, const std::vector<std::string>& urls) {
  json::Array list;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    json::Value one{{"server", servers[i]}, {"state", states[i]}};
    if (!urls[i].empty()) one.set("url", urls[i]);
    list.push_back(std::move(one));
  }
  return list;
}

json::Value server_info(const registry::Server& endpoint) {
  json::Value info{{"name", "writ-" + endpoint.id}};
  if (!endpoint.display_name.empty()) info.set("title", endpoint.display_name);
  info.set("version", "1");
  return info;
}

std::string what_to_do(std::string_view state) {
  if (state == "sign_in_needed") return "The user must sign in again, more strongly or more recently (`writ login`).";
  if (state == "account_needed") return "The user must link an account first.";
  if (state == "slow" || state == "down") return "The server does not answer at the moment; try later.";
  return "";
}

}  // namespace

Task<Endpoint::Gathered> Endpoint::gather(Turn turn, std::vector<const registry::Server*> servers, std::vector<std::optional<json::Value>> messages) {
  std::vector<Members::Question> questions;
  for (std::size_t i = 0; i < servers.size(); ++i) questions.push_back({servers[i]->id, std::move(messages[i])});
  Gathered gathered;
  gathered.servers = std::move(servers);
  auto answers = co_await members_.ask(turn.asking, std::move(questions), turn.exchange);
  gathered.answers = std::move(answers);
  for (std::size_t i = 0; i < gathered.answers.size(); ++i) {
    const MemberAnswer& answer = gathered.answers[i];
    const auto* code = answer.state == State::refused ? answer.error.find_int("code") : nullptr;
    const bool has_no_such_list = code && *code == mcp::code::kMethodNotFound;
    if (answer.state == State::answered || answer.state == State::denied || has_no_such_list) continue;
    gathered.missing.push_back({gathered.servers[i]->id, std::string(to_string(answer.state)), answer.url});
  }
  co_return gathered;
}

void Endpoint::note_missing(json::Value& result, const Gathered& gathered, const Reachable& reachable) {
  std::vector<std::string> servers, states, urls;
  for (const registry::Server* server : reachable.after_sign_in) servers.push_back(server->id), states.push_back("sign_in_needed"), urls.emplace_back();
  for (const Missing& one : gathered.missing) servers.push_back(one.server), states.push_back(one.state), urls.push_back(one.url);
  if (servers.empty()) return;
  json::Value meta = result.find("_meta") ? *result.find("_meta") : json::Value(json::Object{});
  meta.set(kMetaLeftOut, left_out(servers, states, urls));
  result.set("_meta", std::move(meta));
}

Endpoint::Introductions Endpoint::introductions(const Gathered& gathered, const registry::Server& combined) {
  std::vector<Answered> answered;
  std::vector<json::Value> capabilities;
  for (std::size_t i = 0; i < gathered.answers.size(); ++i) {
    if (gathered.answers[i].state != State::answered) continue;
    const json::Value& result = gathered.answers[i].result;
    answered.push_back({gathered.servers[i]->id, title_of(*gathered.servers[i]), result});
    if (const json::Value* said = result.find("capabilities"); said && said->is_object()) capabilities.push_back(*said);
  }
  // Who comes later may have anything.
  if (answered.size() < combined.members.size()) capabilities.push_back(all_capabilities());
  return {std::move(answered), std::move(capabilities)};
}

Task<http::Response> Endpoint::initialize(Turn turn) {
  const Admission& admission = turn.admission;
  const json::Value* params = turn.message().params();
  json::Value hello = params ? *params : json::Value(json::Object{});
  const auto* wanted = hello.find_string("protocolVersion");
  const std::string version = wanted && mcp::is_legacy_version(*wanted) ? *wanted : std::string(kLatestLegacyVersion);   // TR-21
  hello.set("protocolVersion", version);
  hello.erase("_meta");
  auto session = gateway_.sessions().open("", admission.token->principal.key, to_unix_seconds(admission.now), admission.token->expires);
  if (!session) {
    gateway_.recorder().outcome(*turn.exchange, 502, "no_session");
    co_return error_body(502, turn.exchange->own_id(), mcp::code::kUpstreamFailed, "too many sessions are open");
  }
  const auto sessions = std::make_shared<MemberSessions>(std::move(hello));
  session->part = sessions;
  turn.exchange->session = session;
  auto asking = std::make_shared<Asking>(*turn.asking);
  asking->sessions = sessions;
  turn.asking = std::move(asking);

  const Reachable found = reachable(turn);
  std::vector<std::optional<json::Value>> nothing(found.open.size());
  auto servers = found.open;
  const Gathered gathered = co_await gather(turn, std::move(servers), std::move(nothing));
  if (turn.exchange->stopped != Stopped::no) {
    http::Response ended = co_await stopped(turn);
    co_return ended;
  }
  const auto [answered, capabilities] = introductions(gathered, *admission.server);
  json::Value result{{"protocolVersion", version}, {"capabilities", merge_capabilities(capabilities)}, {"serverInfo", server_info(*admission.server)}};
  if (std::string instructions = merge_instructions(answered); !instructions.empty()) result.set("instructions", std::move(instructions));
  note_missing(result, gathered, found);
  http::Response response = answer(turn, std::move(result));
  response.headers.add(std::string(mcp::kSessionHeader), session->id);
  co_return response;
}

Task<http::Response> Endpoint::discover(Turn turn) {
  const Reachable found = reachable(turn);
  std::vector<std::optional<json::Value>> messages(found.open.size(), turn.message().value());
  auto servers = found.open;
  const Gathered gathered = co_await gather(turn, std::move(servers), std::move(messages));
  if (turn.exchange->stopped != Stopped::no) {
    http::Response ended = co_await stopped(turn);
    co_return ended;
  }
  const auto [answered, capabilities] = introductions(gathered, *turn.admission.server);
  json::Value result{{"resultType", "complete"}, {"supportedVersions", json::Array{std::string(mcp::kModernVersion)}}, {"capabilities", merge_capabilities(capabilities)}};
  if (std::string instructions = merge_instructions(answered); !instructions.empty()) result.set("instructions", std::move(instructions));
  result.set("ttlMs", merge_ttl(answered, gathered.missing.empty() && found.after_sign_in.empty()));
  result.set("cacheScope", "private");   // TR-92
  json::Value meta = json::Object{};
  meta.set("io.modelcontextprotocol/serverInfo", server_info(*turn.admission.server));
  result.set("_meta", std::move(meta));
  note_missing(result, gathered, found);
  co_return answer(turn, std::move(result));
}

Task<http::Response> Endpoint::list(Turn turn) {
  const mcp::List list = turn.exchange->method->list;
  const mcp::ListShape& shape = *mcp::shape_of(list);
  const std::string principal = turn.admission.token->principal.key, purpose = list_purpose(*turn.admission.server, turn.message().method());
  // Absent: the first page, of all.
  std::optional<json::Value> cursors;
  if (const json::Value* given = turn.message().param("cursor"); given && !given->is_null()) {
    cursors = given->is_string() ? handles_.open(*given->as_string(), principal, purpose, turn.admission.now) : std::nullopt;
    if (!cursors) co_return refuse_params(turn, "bad_cursor", "`cursor` is not of this list, or too old: list from the beginning");
  }
  const Reachable found = reachable(turn);
  std::vector<const registry::Server*> servers;
  std::vector<std::optional<json::Value>> messages;
  json::Value bare = turn.message().value();
  if (json::Value* params = find_member(bare, "params")) {
    params->erase("cursor");
    // Of many answers there is no one progress.
    if (json::Value* meta = find_member(*params, "_meta")) meta->erase("progressToken");
  }
  for (const registry::Server* server : found.open) {
    const auto* cursor = cursors ? cursors->find_string(server->id) : nullptr;
    if (cursors && !cursor) continue;
    const auto open = turn.asking->sessions ? turn.asking->sessions->find(server->id) : nullptr;
    if (open && !open->can(capability_of(list))) continue;
    servers.push_back(server);
    json::Value message = bare;
    if (cursor) {
      if (!find_member(message, "params")) message.set("params", json::Object{});
      find_member(message, "params")->set("cursor", *cursor);
    }
    messages.emplace_back(std::move(message));
  }
  Gathered gathered = co_await gather(turn, std::move(servers), std::move(messages));
  if (turn.exchange->stopped != Stopped::no) {
    http::Response ended = co_await stopped(turn);
    co_return ended;
  }
  std::vector<Answered> answered;
  for (std::size_t i = 0; i < gathered.answers.size(); ++i) {
    if (gathered.answers[i].state == State::answered) answered.push_back({gathered.servers[i]->id, "", std::move(gathered.answers[i].result)});
  }
  MergedList merged = merge_lists(list, answered, gateway_.dependencies().objects.get()->definitions());
  if (list == mcp::List::tools && !cursors) {
    json::Array own = built_in_tools();
    merged.elements.insert(merged.elements.begin(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  }
  json::Value result = json::Object{};
  const bool is_modern = turn.exchange->era == mcp::Era::modern;
  if (is_modern) result.set("resultType", "complete");
  result.set(shape.member, std::move(merged.elements));
  if (!merged.cursors.empty()) {
    json::Value more = json::Object{};
    for (const auto& [member, cursor] : merged.cursors) more.set(member, cursor);
    result.set("nextCursor", handles_.seal(more, principal, purpose, turn.admission.now));
  }
  if (is_modern) {
    result.set("ttlMs", merge_ttl(answered, gathered.missing.empty() && found.after_sign_in.empty()));
    result.set("cacheScope", "private");
    json::Value meta = json::Object{};
    meta.set("io.modelcontextprotocol/serverInfo", server_info(*turn.admission.server));
    result.set("_meta", std::move(meta));
  }
  note_missing(result, gathered, found);
  co_return answer(turn, std::move(result));
}

// To every member whose session is open; those that are opened later are told then, where it matters.
Task<http::Response> Endpoint::tell_all(Turn turn, const char* capability) {
  const bool sets_level = turn.message().method() == "logging/setLevel";
  const auto* level = turn.message().param_string("level");
  if (sets_level && !level) co_return refuse_params(turn, "level_missing", "invalid params");
  if (sets_level && turn.asking->sessions) turn.asking->sessions->set_log_level(*level);
  std::vector<const registry::Server*> servers;
  std::vector<std::optional<json::Value>> messages;
  for (const registry::Server* server : reachable(turn).open) {
    const auto open = turn.asking->sessions ? turn.asking->sessions->find(server->id) : nullptr;
    if (!open || (*capability != '\0' && !open->can(capability))) continue;
    servers.push_back(server);
    messages.emplace_back(turn.message().value());
  }
  const Gathered gathered = co_await gather(turn, std::move(servers), std::move(messages));
  if (turn.message().kind() == mcp::Message::Kind::request) co_return answer(turn, json::Object{});
  co_return accepted(turn);
}

// A client cancels by the id of its own request, which went to one member under that same id.
Task<http::Response> Endpoint::cancel_at_member(Turn turn) {
  const json::Value* named = turn.message().param("requestId");
  const auto id = named ? mcp::parse_id(*named) : std::nullopt;
  const auto& sessions = turn.asking->sessions;
  const auto member = id && sessions ? sessions->member_of(*id) : std::nullopt;
  const auto call = member && sessions->find(*member) ? members_.call(*turn.asking, *member, &turn.message().value()) : nullptr;
  if (call) {
    call->request.client_gone = nullptr;
    const http::Response response = co_await gateway_.walk(call->request, call->admission, call->exchange, call->record);
    static_cast<void>(response);
  }
  co_return accepted(turn);
}

Task<http::Response> Endpoint::listen(Turn turn) {
  const json::Value* wanted = turn.message().param("notifications");
  const auto* uris = wanted ? wanted->find("resourceSubscriptions") : nullptr;
  if (!wanted || !wanted->is_object()) co_return refuse_params(turn, "notifications_missing", "invalid params");
  if (uris && !json::to_strings(*uris)) co_return refuse_params(turn, "resource_subscriptions_malformed", "invalid params");
  std::vector<std::string> members;
  for (const registry::Server* server : reachable(turn).open) members.push_back(server->id);
  co_return stream(turn, std::move(members), std::nullopt);
}

Task<http::Response> Endpoint::call_built_in(Turn turn) {
  const Admission& admission = turn.admission;
  if (turn.exchange->built_in_tool == kWhoamiTool) {
    co_return answer(turn, whoami_result(*admission.snapshot, admission.caller, *admission.token, *admission.server, admission.now, turn.exchange->era));
  }
  // Whoever answers is there: a session that opens, or the cheapest question of the era.
  const Reachable found = reachable(turn);
  json::Value probe{{"jsonrpc", "2.0"}, {"id", "writ-probe"}, {"method", "ping"}};
  if (turn.exchange->era == mcp::Era::modern) {
    probe.set("method", mcp::kDiscover);
    json::Value params = json::Object{};
    if (const json::Value* meta = turn.message().param("_meta")) params.set("_meta", *meta);
    probe.set("params", std::move(params));
  }
  std::vector<std::optional<json::Value>> messages(found.open.size(), probe);
  auto servers = found.open;
  const Gathered gathered = co_await gather(turn, std::move(servers), std::move(messages));
  if (turn.exchange->stopped != Stopped::no) {
    http::Response ended = co_await stopped(turn);
    co_return ended;
  }
  std::vector<ServerState> states;
  for (std::size_t i = 0; i < gathered.answers.size(); ++i) {
    const std::string state(to_string(gathered.answers[i].state));
    states.push_back({gathered.servers[i], state, what_to_do(state), gathered.answers[i].url});
  }
  for (const registry::Server* server : found.after_sign_in) states.push_back({server, "sign_in_needed", what_to_do("sign_in_needed"), ""});
  co_return answer(turn, servers_result(states, turn.exchange->era));
}

}  // namespace writ::gateway::combined
