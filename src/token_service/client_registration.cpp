#include "token_service/client_registration.h"

#include <algorithm>
#include <charconv>

#include "client_metadata/registration_request.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/uri.h"
#include "registry/read.h"

namespace writ::token_service {
namespace {

using client_metadata::Registering;
constexpr std::string_view kPrefix = "registered-";
constexpr std::size_t kRandomBytes = 16;

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) text.append({kDigits[static_cast<unsigned char>(byte) >> 4], kDigits[static_cast<unsigned char>(byte) & 15]});
  return text;
}

// Ours alone to choose, and nobody's to guess (OB-144). The time is in it, so that nothing else must be kept.
std::string new_client_id(Instant now) {
  return std::string(kPrefix) + std::to_string(to_unix_seconds(now)) + "-" + hexadecimal(crypto::sha256_bytes(crypto::random_token(32)).substr(0, kRandomBytes));
}

std::optional<std::string> bearer_token(const http::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string* field = request.headers.find_single("Authorization");
  if (field == nullptr || field->size() <= kScheme.size() || !http::equals_ignoring_case(std::string_view(*field).substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return field->substr(kScheme.size());
}

bool is_json(const http::Request& request) {
  const std::string* type = request.headers.find_single("Content-Type");
  return type != nullptr && http::equals_ignoring_case(std::string_view(*type).substr(0, type->find(';')), "application/json") && request.headers.count("Content-Encoding") == 0;
}

std::string path_of(const std::string& url) {
  const auto parsed = uri::parse(url);
  return parsed ? parsed->path : std::string();
}

bool has_group(const registry::Agent& agent) { return std::find(agent.groups.begin(), agent.groups.end(), kSelfRegistered) != agent.groups.end(); }

const registry::Agent* find_agent(const registry::Snapshot& snapshot, const std::string& client_id, const ClientRegistrationRules& rules) {
  const registry::Agent* agent = rules.at_idp ? snapshot.agent_at_idp(client_id) : snapshot.agent_at_resource_as(rules.issuer, client_id).agent;
  const registry::Registration* registration = agent ? self_registration(*agent, rules) : nullptr;
  return registration != nullptr && registration->client_id == client_id ? agent : nullptr;
}

registry::Registration& registration_in(registry::Agent& agent, const ClientRegistrationRules& rules) {
  if (rules.at_idp) return *agent.idp;
  return std::find_if(agent.resource_as.begin(), agent.resource_as.end(), [&](const auto& at) { return at.issuer == rules.issuer; })->registration;
}

// The client's words, beside what is ours: its name here, its secrets.
std::string give_secret(registry::Registration& registration) {
  if (registration.authentication != registry::ClientAuthentication::client_secret) {
    registration.secrets.clear();
    return "";
  }
  if (!registration.secrets.empty()) return "";
  std::string secret = crypto::random_token(32);
  registration.secrets = {{registry::sha256_hex(Secret(secret)), std::nullopt}};
  return secret;
}

bool is_waiting(const registry::Agent& agent, const ClientRegistrationRules& rules) { return !agent.active && self_registration(agent, rules) != nullptr; }

}  // namespace

struct ClientRegistration::Answer {
  int status;
  const char* error;
  std::string description, reason, detail{};
  int retry_after = 0;
};

std::optional<Instant> registered_at(std::string_view client_id) {
  if (!client_id.starts_with(kPrefix)) return std::nullopt;
  client_id.remove_prefix(kPrefix.size());
  std::int64_t seconds = 0;
  const auto read = std::from_chars(client_id.data(), client_id.data() + client_id.size(), seconds);
  if (read.ec != std::errc() || read.ptr == client_id.data() + client_id.size() || *read.ptr != '-' || seconds < 0 || seconds > 253'402'300'799) return std::nullopt;
  return from_unix_seconds(seconds);
}

const registry::Registration* self_registration(const registry::Agent& agent, const ClientRegistrationRules& rules) {
  if (!has_group(agent)) return nullptr;
  const registry::Registration* found = nullptr;
  if (rules.at_idp) found = agent.idp ? &*agent.idp : nullptr;
  else
    for (const auto& at : agent.resource_as)
      if (at.issuer == rules.issuer) found = &at.registration;
  return found != nullptr && found->client_id == agent.id && registered_at(agent.id) ? found : nullptr;
}

std::string ClientRegistration::access_token(std::string_view client_id) const {
  return base64url::encode(crypto::hmac_sha256(key_.reveal(), std::to_string(rules_.issuer.size()) + ":" + rules_.issuer + std::string(client_id)));
}

// ---- answers

Task<http::Response> ClientRegistration::refuse(const http::Request& request, std::string client_id, Answer answer) const {
  audit::Record record;
  record.event = audit::Event::client_authentication;
  record.effect = audit::Effect::deny;
  record.time = clock_.now();
  record.reason = answer.reason;
  record.detail = answer.detail;
  record.client_id = std::move(client_id);
  record.peer = request.peer.address;
  audit::Commit commit;
  commit.record = std::move(record);
  auto committing = log_.commit(std::move(commit));
  const auto committed = co_await committing;
  if (!committed) co_return http::no_store(http::text(503, ""));
  http::Response response = http::no_store(http::json(answer.status, json::write(json::Value{{"error", answer.error}, {"error_description", answer.description}})));
  if (answer.status == 401) response.headers.set("WWW-Authenticate", "Bearer error=\"invalid_token\"");
  if (answer.retry_after > 0) response.headers.set("Retry-After", std::to_string(answer.retry_after));
  co_return response;
}

http::Response ClientRegistration::describe(int status, const registry::Agent& agent, std::string secret) const {
  const registry::Registration& registration = *self_registration(agent, rules_);
  json::Object body{{"client_id", agent.id}, {"client_id_issued_at", to_unix_seconds(*registered_at(agent.id))}};
  if (!secret.empty()) {
    body.push_back({"client_secret", std::move(secret)});
    body.push_back({"client_secret_expires_at", 0});
  }
  body.push_back({"registration_access_token", access_token(agent.id)});
  body.push_back({"registration_client_uri", rules_.issuer + "/register/" + agent.id});
  for (auto& member : client_metadata::registered_metadata(agent.display_name, registration, rules_.grant_types)) body.push_back(std::move(member));
  return http::no_store(http::json(status, json::write(json::Value(std::move(body)))));
}

Task<http::Response> ClientRegistration::changed(const http::Request& request, std::string client_id, std::string author, const char* reason, AgentEditing editing, http::Response done) const {
  auto changing = agents_.change(std::move(author), request.peer.address, reason, std::move(editing));
  const auto result = co_await changing;
  if (result) co_return done;
  Answer answer{503, "temporarily_unavailable", "the server cannot answer now, please try again", "registration_store_unavailable"};
  if (const auto* refused = std::get_if<EditRefused>(&result.error())) {
    switch (refused->why) {
      case EditRefused::Why::full: answer = {429, "temporarily_unavailable", "too many clients wait for an administrator", "registrations_full", {}, 3600}; break;
      case EditRefused::Why::gone: answer = {401, "invalid_token", "the registration access token is not valid", "registration_gone"}; break;
      case EditRefused::Why::not_accepted: answer = {403, "access_denied", "an administrator's objects or policies stand against it", "registration_not_accepted"}; break;
    }
  }
  auto refusing = refuse(request, std::move(client_id), std::move(answer));
  co_return co_await refusing;
}

// ---- RFC 7591

Task<http::Response> ClientRegistration::register_client(const http::Request& request) const {
  const Instant now = clock_.now();
  std::string author = "registration";
  if (!rules_.without_token) {
    const auto presented = bearer_token(request);
    const registry::ApiToken* known = nullptr;
    const auto snapshot = registry_.get();
    if (presented) known = snapshot->api_token(registry::sha256_hex(Secret(*presented)));
    if (known == nullptr || !known->active || known->role != kRegistrationRole) {
      Answer answer{401, "invalid_token", "send the initial access token that an administrator gave you", !presented ? "registration_token_absent" : "registration_token_refused"};
      if (const int wait = guesses_.count_failure(request.peer.address, now); wait > 0) answer.status = 429, answer.retry_after = wait;
      auto refusing = refuse(request, "", std::move(answer));
      co_return co_await refusing;
    }
    author += ":" + known->id;
  }
  if (const int wait = throttle_.count_failure(request.peer.address, now); wait > 0) {
    auto refusing = refuse(request, "", {429, "temporarily_unavailable", "too many registrations from this address", "registration_rate", {}, wait});
    co_return co_await refusing;
  }
  if (!is_json(request)) {
    auto refusing = refuse(request, "", {415, "invalid_client_metadata", "send application/json", "registration_media_type"});
    co_return co_await refusing;
  }
  auto asked = client_metadata::parse_registration(request.body, rules_.grant_types, Registering::anew);
  if (!asked) {
    const auto& problem = asked.error();
    const std::string description = problem.member.empty() ? problem.sentence : problem.member + ": " + problem.sentence;
    const std::string error(to_string(problem.code));
    auto refusing = refuse(request, "", {400, error.c_str(), description, "registration_metadata", problem.member});
    co_return co_await refusing;
  }
  registry::Agent agent;
  agent.id = new_client_id(now);
  agent.display_name = asked->client_name;
  agent.groups = {kSelfRegistered};
  agent.active = false;
  registry::Registration registration = std::move(asked->registration);
  registration.client_id = agent.id;
  std::string secret = give_secret(registration);
  if (rules_.at_idp) agent.idp = std::move(registration);
  else agent.resource_as.push_back({rules_.issuer, std::move(registration)});
  http::Response done = describe(201, agent, std::move(secret));
  AgentEditing editing = [agent, rules = rules_](const registry::Snapshot& snapshot) -> Result<AgentEdit, EditRefused> {
    const auto& all = snapshot.objects().agents;
    const auto waiting = std::count_if(all.begin(), all.end(), [&](const registry::Agent& one) { return is_waiting(one, rules); });
    if (static_cast<std::size_t>(waiting) >= rules.waiting_max) return unexpected(EditRefused{EditRefused::Why::full});
    return AgentEdit{agent, {}};
  };
  auto changing = changed(request, agent.id, std::move(author), "a client registered itself", std::move(editing), std::move(done));
  co_return co_await changing;
}

// ---- RFC 7592

std::optional<std::string> ClientRegistration::authorized_client(const http::Request& request) const {
  const std::string path = path_of(rules_.issuer + "/register/");
  if (!request.path.starts_with(path)) return std::nullopt;
  const std::string client_id = request.path.substr(path.size());
  const auto presented = bearer_token(request);
  // Made anew and compared: the same work whether or not there is such a client.
  if (!presented || !crypto::constant_time_equal(*presented, access_token(client_id))) return std::nullopt;
  return client_id;
}

Task<http::Response> ClientRegistration::manage(const http::Request& request) const {
  const Instant now = clock_.now();
  const auto snapshot = registry_.get();
  const auto client_id = authorized_client(request);
  const registry::Agent* agent = client_id ? find_agent(*snapshot, *client_id, rules_) : nullptr;
  if (agent == nullptr) {
    Answer answer{401, "invalid_token", "the registration access token is not valid", client_id ? "registration_gone" : "registration_token_refused"};
    if (const int wait = guesses_.count_failure(request.peer.address, now); wait > 0) answer.status = 429, answer.retry_after = wait;
    auto refusing = refuse(request, client_id.value_or(""), std::move(answer));
    co_return co_await refusing;
  }
  if (request.method == "GET") co_return describe(200, *agent, "");
  const auto gone = [](const registry::Agent* one) { return one == nullptr; };
  if (request.method == "DELETE") {
    AgentEditing editing = [id = *client_id, rules = rules_, gone](const registry::Snapshot& current) -> Result<AgentEdit, EditRefused> {
      if (gone(find_agent(current, id, rules))) return unexpected(EditRefused{EditRefused::Why::gone});
      return AgentEdit{std::nullopt, {id}};
    };
    http::Response done;
    done.status = 204;
    auto changing = changed(request, *client_id, "registration:" + *client_id, "a client removed its registration", std::move(editing), http::no_store(std::move(done)));
    co_return co_await changing;
  }
  if (!is_json(request)) {
    auto refusing = refuse(request, *client_id, {415, "invalid_client_metadata", "send application/json", "registration_media_type"});
    co_return co_await refusing;
  }
  auto asked = client_metadata::parse_registration(request.body, rules_.grant_types, Registering::update);
  const auto is_own_secret = [&](const std::string& secret) {
    const auto& secrets = self_registration(*agent, rules_)->secrets;
    return std::any_of(secrets.begin(), secrets.end(), [&](const auto& one) { return one.sha256_hex == registry::sha256_hex(Secret(secret)); });
  };
  if (asked && asked->client_id != *client_id) asked = unexpected(client_metadata::RegistrationProblem{{}, "client_id", "this is another client"});
  if (asked && !asked->client_secret.empty() && !is_own_secret(asked->client_secret)) asked = unexpected(client_metadata::RegistrationProblem{{}, "client_secret", "this is not its secret"});
  if (!asked) {
    const auto& problem = asked.error();
    const std::string description = problem.member.empty() ? problem.sentence : problem.member + ": " + problem.sentence;
    const std::string error(to_string(problem.code));
    auto refusing = refuse(request, *client_id, {400, error.c_str(), description, "registration_metadata", problem.member});
    co_return co_await refusing;
  }
  registry::Agent next = *agent;
  next.display_name = asked->client_name;
  registry::Registration& registration = registration_in(next, rules_);
  asked->registration.client_id = registration.client_id;
  asked->registration.secrets = std::move(registration.secrets);
  registration = std::move(asked->registration);
  std::string secret = give_secret(registration);
  if (registry::write(next) == registry::write(*agent)) co_return describe(200, *agent, "");
  next.active = false;   // an administrator enabled what was there before
  http::Response done = describe(200, next, std::move(secret));
  AgentEditing editing = [next, was = registry::write(*agent), rules = rules_](const registry::Snapshot& current) -> Result<AgentEdit, EditRefused> {
    const registry::Agent* now_there = find_agent(current, next.id, rules);
    if (now_there == nullptr) return unexpected(EditRefused{EditRefused::Why::gone});
    // Somebody changed it meanwhile: that change was not seen, and must not be undone.
    if (registry::write(*now_there) != was) return unexpected(EditRefused{EditRefused::Why::not_accepted});
    return AgentEdit{next, {}};
  };
  auto changing = changed(request, *client_id, "registration:" + *client_id, "a client changed its registration", std::move(editing), std::move(done));
  co_return co_await changing;
}

Task<void> ClientRegistration::remove_waiting(Instant now) const {
  const auto old_ones = [now, rules = rules_](const registry::Snapshot& snapshot) {
    std::vector<std::string> ids;
    for (const auto& agent : snapshot.objects().agents)
      if (is_waiting(agent, rules) && *registered_at(agent.id) + rules.waiting_for <= now) ids.push_back(agent.id);
    return ids;
  };
  const auto snapshot = registry_.get();
  // One by one: what an administrator's policy names stays, and keeps no other.
  for (const std::string& id : old_ones(*snapshot)) {
    AgentEditing editing = [old_ones, id](const registry::Snapshot& current) -> Result<AgentEdit, EditRefused> {
      const auto old = old_ones(current);
      if (std::find(old.begin(), old.end(), id) == old.end()) return unexpected(EditRefused{EditRefused::Why::gone});
      return AgentEdit{std::nullopt, {id}};
    };
    auto changing = agents_.change("registration", "", "nobody enabled this client in time", std::move(editing));
    const auto changed = co_await changing;
    if (!changed && std::holds_alternative<Unavailable>(changed.error())) co_return;   // asked again in a minute
  }
}

void add_routes(http::Router& router, const ClientRegistration& registration) {
  const std::string path = path_of(registration.rules().issuer + "/register");
  router.add("POST", path, [&registration](const http::Request& request) { return registration.register_client(request); });
  for (const char* method : {"GET", "PUT", "DELETE"}) router.add(method, path + "/*", [&registration](const http::Request& request) { return registration.manage(request); });
}

}  // namespace writ::token_service
