// What one token costs. The yardstick stands beside it: the same operation of OpenSSL as `openssl speed ecdsap256 rsa2048 ed25519` measures
// it on the same machine.

#include <benchmark/benchmark.h>

#include "crypto/hash.h"
#include "crypto/password.h"
#include "crypto/seal.h"
#include "encoding/base64url.h"
#include "jose/jwt.h"

namespace {

using namespace writ;
using crypto::Algorithm;

constexpr Algorithm kAll[] = {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa};

const jose::SigningKey& key_for(Algorithm algorithm) {
  static const std::vector<jose::SigningKey> keys = [] {
    std::vector<jose::SigningKey> made;
    for (const Algorithm each : kAll) made.push_back({std::string(to_string(each)), each, crypto::PrivateKey::generate(each)});
    return made;
  }();
  return keys[static_cast<std::size_t>(algorithm)];
}

const jose::KeySet& keys() {
  static const jose::KeySet set = [] {
    std::vector<jose::Jwk> made;
    for (const Algorithm each : kAll) made.push_back(key_for(each).public_jwk());
    return jose::KeySet(std::move(made));
  }();
  return set;
}

json::Value claims() {
  return json::Value{{"iss", "https://idp.example.com"}, {"sub", "usr_01HZX3V9K4T7QW"}, {"aud", "https://as.example.com"},
                     {"client_id", "agent-release-notes"}, {"resource", "https://mcp.example.com/github"}, {"scope", "repo.read issues.write"},
                     {"jti", "9e43f81b64a33f20116179"}, {"iat", 1'790'000'000}, {"exp", 1'790'000'300}, {"email", "alice@example.com"}};
}

void sign_bytes(benchmark::State& state, Algorithm algorithm) {
  const auto& key = key_for(algorithm);
  const std::string message(700, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(key.key.sign(algorithm, message));
}

void verify_bytes(benchmark::State& state, Algorithm algorithm) {
  const auto& key = key_for(algorithm);
  const std::string message(700, 'x');
  const std::string signature = key.key.sign(algorithm, message);
  const crypto::PublicKey public_key = key.key.public_key();
  for (auto _ : state) benchmark::DoNotOptimize(public_key.verify(algorithm, message, signature));
}

void sign_jwt(benchmark::State& state, Algorithm algorithm) {
  const json::Value content = claims();
  for (auto _ : state) benchmark::DoNotOptimize(jose::sign(key_for(algorithm), "at+jwt", content));
}

void verify_jwt(benchmark::State& state, Algorithm algorithm) {
  const std::string token = jose::sign(key_for(algorithm), "at+jwt", claims());
  for (auto _ : state) {
    auto unverified = jose::UnverifiedJwt::parse(token);
    benchmark::DoNotOptimize(jose::VerifiedJwt::verify(std::move(*unverified), keys(), kAll));
  }
}

void parse_jwt_without_signature(benchmark::State& state) {
  const std::string token = jose::sign(key_for(Algorithm::es256), "at+jwt", claims());
  for (auto _ : state) benchmark::DoNotOptimize(jose::UnverifiedJwt::parse(token));
}

void parse_claims(benchmark::State& state) {
  const std::string text = json::write(claims());
  for (auto _ : state) benchmark::DoNotOptimize(json::parse(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
}

void write_claims(benchmark::State& state) {
  const json::Value content = claims();
  for (auto _ : state) benchmark::DoNotOptimize(json::write(content));
}

// A tools/call of some two kilobytes.
void parse_call(benchmark::State& state) {
  json::Array labels;
  for (int i = 0; i < 40; ++i) labels.push_back("label-" + std::to_string(i));
  const json::Value call{{"jsonrpc", "2.0"}, {"id", 17}, {"method", "tools/call"},
                         {"params", {{"name", "create_issue"}, {"arguments", {{"title", "A title"}, {"body", std::string(1'400, 'b')}, {"labels", std::move(labels)}}}}}};
  const std::string text = json::write(call);
  for (auto _ : state) benchmark::DoNotOptimize(json::parse(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
}

void sha256_of_700_bytes(benchmark::State& state) {
  const std::string message(700, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crypto::sha256(message));
}

void base64url_of_300_bytes(benchmark::State& state) {
  const std::string text = base64url::encode(std::string(300, 'x'));
  for (auto _ : state) benchmark::DoNotOptimize(base64url::decode(text));
}

void hash_a_password(benchmark::State& state) {
  const Secret password("correct horse battery staple");
  for (auto _ : state) benchmark::DoNotOptimize(crypto::hash_password(password));
}

void seal_and_open(benchmark::State& state) {
  const crypto::SealingKey key(Secret(std::string(32, 'k')));
  const std::string handle(80, 'h');
  for (auto _ : state) benchmark::DoNotOptimize(key.open(key.seal(handle, "session"), "session"));
}

BENCHMARK_CAPTURE(sign_bytes, ES256, Algorithm::es256);
BENCHMARK_CAPTURE(sign_bytes, RS256, Algorithm::rs256);
BENCHMARK_CAPTURE(sign_bytes, EdDSA, Algorithm::eddsa);
BENCHMARK_CAPTURE(verify_bytes, ES256, Algorithm::es256);
BENCHMARK_CAPTURE(verify_bytes, ES384, Algorithm::es384);
BENCHMARK_CAPTURE(verify_bytes, RS256, Algorithm::rs256);
BENCHMARK_CAPTURE(verify_bytes, PS256, Algorithm::ps256);
BENCHMARK_CAPTURE(verify_bytes, EdDSA, Algorithm::eddsa);
BENCHMARK_CAPTURE(sign_jwt, ES256, Algorithm::es256);
BENCHMARK_CAPTURE(verify_jwt, ES256, Algorithm::es256);
BENCHMARK_CAPTURE(verify_jwt, ES256_two_threads, Algorithm::es256)->Threads(2)->UseRealTime();
BENCHMARK_CAPTURE(verify_jwt, RS256, Algorithm::rs256);
BENCHMARK_CAPTURE(verify_jwt, EdDSA, Algorithm::eddsa);
BENCHMARK(parse_jwt_without_signature);
BENCHMARK(parse_claims);
BENCHMARK(write_claims);
BENCHMARK(parse_call);
BENCHMARK(sha256_of_700_bytes);
BENCHMARK(base64url_of_300_bytes);
BENCHMARK(seal_and_open);
BENCHMARK(hash_a_password)->Unit(benchmark::kMillisecond);

}  // namespace
