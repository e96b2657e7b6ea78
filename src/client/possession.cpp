#include "client/possession.h"

#include <algorithm>

#include "crypto/hash.h"
#include "dpop/proof.h"

namespace writ::client {
namespace {

constexpr std::size_t kBoundMax = 10'000;

std::string text_of(const json::Value& body, std::string_view name) {
  const auto* text = body.find_string(name);
  return text ? *text : std::string();
}

// The token of an Authorization field of the scheme Bearer; empty: there is none.
std::string bearer_token_of(const http::Headers& headers) {
  constexpr std::string_view kBearer = "Bearer ";
  const auto* field = headers.find_single("Authorization");
  return field && field->starts_with(kBearer) ? field->substr(kBearer.size()) : std::string();
}

}  // namespace

bool Possession::proves(const ProtectedResource& resource, const AuthorizationServer& resource_as) const {
  if (use_ == Use::never) return false;
  if (resource.dpop_required) return true;
  return use_ == Use::always && resource_as.understands_dpop();
}

bool Possession::note_token_answer(const std::string& url, const http::OutgoingResponse& answer) {
  const bool has_nonce = prover_.note_nonce(url, answer.headers);
  const auto parsed = json::parse(answer.body);
  if (!parsed || !parsed->is_object()) return false;
  if (answer.status == 200 && http::equals_ignoring_case(text_of(*parsed, "token_type"), dpop::kTokenType)) {
    if (bound_.size() >= kBoundMax) bound_.clear();   // its owner asks anew for what is refused as Bearer
    bound_.insert(crypto::sha256_bytes(text_of(*parsed, "access_token")));
  }
  return has_nonce && answer.status == 400 && text_of(*parsed, "error") == "use_dpop_nonce";
}

bool Possession::note_resource_answer(const std::string& url, int status, const http::Headers& headers) {
  const bool has_nonce = prover_.note_nonce(url, headers);
  if (!has_nonce || status != 401) return false;
  const auto challenges = parse_challenges(headers);
  return std::any_of(challenges.begin(), challenges.end(),
                     [](const Challenge& challenge) { return challenge.scheme == "dpop" && challenge.parameter("error") == "use_dpop_nonce"; });
}

bool Possession::is_bound(std::string_view access_token) const { return bound_.contains(crypto::sha256_bytes(access_token)); }

Task<Result<http::UpstreamResponse, http::UpstreamFailure>> ProvingUpstream::send(http::UpstreamRequest request) {
  const std::string token = bearer_token_of(request.headers);
  if (token.empty() || !possession_.is_bound(token)) {
    auto passed = co_await below_.send(std::move(request));
    co_return passed;
  }
  for (bool again = false;; again = true) {
    http::UpstreamRequest proved = request;
    proved.headers.set("Authorization", std::string(dpop::kScheme) + " " + token);
    proved.headers.set(dpop::kProofHeader, possession_.prove(request.method, request.url, clock_.now(), token));
    auto answer = co_await below_.send(std::move(proved));
    if (!answer) co_return answer;
    const bool asked_for_nonce = possession_.note_resource_answer(request.url, answer->status, answer->headers);
    if (!asked_for_nonce || again) co_return answer;
    answer->body->cancel();
  }
}

}  // namespace writ::client
