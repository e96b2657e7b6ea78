#include "upstreams/credentials/credentials.h"

#include "registry/secret_file.h"

namespace writ::upstreams {
namespace {

constexpr int kUnauthorized = 401;

bool is_program(const registry::UpstreamAddress& address) { return address.transport == registry::UpstreamAddress::Transport::stdio; }

Failure not_accepted(const std::string& server, const char* what) {
  return credential_failure("the server `" + server + "` does not accept " + what + " (it answered 401)");
}

}  // namespace

Task<Result<http::UpstreamResponse, Failure>> Credentials::send(Request request) {
  const registry::UpstreamAddress& address = *request.server->upstream;
  if (is_program(address)) {   // its environment is its credential
    auto sent = co_await below_.send(std::move(request));
    co_return sent;
  }
  if (!address.client_certificate_file.empty()) {
    if (const auto closed = registry::check_secret_file(address.client_key_file); !closed) co_return unexpected(credential_failure(closed.error()));
    request.http.client_certificate_file = address.client_certificate_file;
    request.http.client_key_file = address.client_key_file;
  }
  if (!address.header_name.empty()) {
    auto secret = read_secret_(address.header_secret_file);
    if (!secret) co_return unexpected(credential_failure(std::move(secret).error()));
    request.http.headers.add(address.header_name, std::string(secret->reveal()));
  }
  if (address.oauth) {
    auto sent = co_await send_with_token(std::move(request));
    co_return sent;
  }
  const bool has_credential = !address.header_name.empty();
  const std::string server = request.server->id;
  auto sent = co_await below_.send(std::move(request));
  if (sent && sent->status == kUnauthorized && has_credential) {
    sent->body->cancel();
    co_return unexpected(not_accepted(server, "the fixed header field"));
  }
  co_return sent;
}

Result<Wanted, Failure> Credentials::wanted(const Request& request) const {
  using Grant = registry::UpstreamOAuth::Grant;
  switch (request.server->upstream->oauth->grant) {
    case Grant::client_credentials: return client_credentials(core_, request);
    case Grant::id_jag: return id_jag(core_, request);
    case Grant::authorization_code: break;
  }
  if (!accounts_) return unexpected(credential_failure("no access token for server `" + request.server->id + "`: linked accounts need the identity provider as a role of this deployment"));
  return accounts_->wanted(request);
}

Task<Result<http::UpstreamResponse, Failure>> Credentials::send_with_token(Request request) {
  for (bool is_second = false;; is_second = true) {
    auto want = wanted(request);
    if (!want) co_return unexpected(std::move(want).error());
    const std::string key = want->key;
    TokenCache::Fetch fetch = std::move(want->fetch);
    auto token = co_await core_->tokens.find(key, std::move(want->basis), core_->clock.now(), std::move(fetch));
    if (!token) co_return unexpected(std::move(token).error());
    Request with_token = request;
    with_token.http.headers.add("Authorization", "Bearer " + std::string((*token)->value.reveal()));
    auto sent = co_await below_.send(std::move(with_token));
    if (!sent || sent->status != kUnauthorized) co_return sent;
    // Also a second one is not kept: whoever comes next asks anew.
    core_->tokens.drop(key, *token);
    if (accounts_) accounts_->note_refused(request, **token);
    sent->body->cancel();
    if (is_second) co_return unexpected(not_accepted(request.server->id, "a fresh access token of its authorization server"));
  }
}

void Credentials::tick() {
  const std::uint64_t epoch = core_->revocations.epoch();
  if (swept_epoch_.exchange(epoch) == epoch) return;
  core_->tokens.drop_of([this](const AccessToken& token) { return !token.session.empty() && core_->revocations.is_session_ended(token.session); });
}

}  // namespace writ::upstreams
