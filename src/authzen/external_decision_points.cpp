#include "authzen/external_decision_points.h"

#include <algorithm>
#include <chrono>

#include "authzen/evaluation.h"
#include "crypto/random.h"

namespace writ::authzen {
namespace {

constexpr std::size_t kBatchMax = 50;             // that decision points are known to take at once
constexpr std::size_t kAnswerBytesMax = 256 * 1024;
constexpr const char* kDenied = "external_denied";
constexpr const char* kUnavailable = "external_unavailable";

std::string_view name_of(http::OutgoingFailure::Kind kind) {
  using Kind = http::OutgoingFailure::Kind;
  switch (kind) {
    case Kind::timeout: return "timeout";
    case Kind::connect: return "connect";
    case Kind::tls: return "tls";
    case Kind::too_large: return "answer_too_large";
    case Kind::refused_url:
    case Kind::refused_address: return "refused_address";
    case Kind::broken: return "broken";
  }
  return "broken";
}

json::Value batch_of(std::vector<json::Value> evaluations) {
  json::Array all;
  for (json::Value& evaluation : evaluations) all.push_back(std::move(evaluation));
  json::Value body = json::Object{};
  body.set("evaluations", std::move(all));
  return body;
}

}  // namespace

Result<bool, std::string> read_decision(const json::Value& answer) {
  const json::Value* decision = answer.is_object() ? answer.find("decision") : nullptr;
  const bool* value = decision ? decision->as_bool() : nullptr;
  if (!value) return unexpected(std::string("no_decision"));
  return *value;
}

Result<std::vector<bool>, std::string> read_decisions(const json::Value& answer, std::size_t asked) {
  const json::Array* list = answer.is_object() ? answer.find_array("evaluations") : nullptr;
  if (!list) return unexpected(std::string("no_evaluations"));
  // One too few is unanswered; one too many was made for another list than ours.
  if (list->size() != asked) return unexpected(std::string("wrong_number_of_evaluations"));
  std::vector<bool> decisions;
  for (const json::Value& one : *list) {
    const auto decision = read_decision(one);
    if (!decision) return unexpected(decision.error());
    decisions.push_back(*decision);
  }
  return decisions;
}

CircuitBreaker& ExternalDecisionPoints::breaker_of(const registry::DecisionPoint& point) {
  const std::lock_guard lock(mutex_);
  auto& breaker = breakers_[point.url];
  if (!breaker) breaker = std::make_unique<CircuitBreaker>();
  return *breaker;
}

Task<Result<json::Value, std::string>> ExternalDecisionPoints::post(const registry::DecisionPoint& point, std::string url, json::Value body) {
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}, {"X-Request-ID", crypto::random_token()}};
  if (!point.header_name.empty()) {
    const auto secret = parts_.read_secret ? parts_.read_secret(point.header_secret_file) : Result<Secret, Unavailable>(unexpected(Unavailable{"no secrets"}));
    if (!secret) co_return unexpected(std::string("secret_file"));
    request.headers.add(point.header_name, std::string(secret->reveal()));
  }
  request.body = json::write(body);
  request.timeout_ms = static_cast<int>(point.timeout_ms);
  request.response_bytes_max = kAnswerBytesMax;
  auto answer = co_await parts_.outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected(std::string(name_of(answer.error().kind)));
  if (answer->status != 200) co_return unexpected("status_" + std::to_string(answer->status));   // EN-61: a no is 200 as well
  auto value = json::parse(answer->body, {kAnswerBytesMax, 32, 20'000});
  if (!value) co_return unexpected(std::string("not_json"));
  co_return std::move(*value);
}

Task<Result<std::vector<bool>, std::string>> ExternalDecisionPoints::ask_one(const registry::DecisionPoint& point, std::vector<json::Value> evaluations) {
  std::vector<bool> decisions;
  const std::size_t count = evaluations.size();
  if (count == 1) {
    std::string url = point.url + "/access/v1/evaluation";
    auto answer = co_await post(point, std::move(url), std::move(evaluations.front()));
    if (!answer) co_return unexpected(answer.error());
    const auto decision = read_decision(*answer);
    if (!decision) co_return unexpected(decision.error());
    decisions.push_back(*decision);
    co_return decisions;
  }
  for (std::size_t begin = 0; begin < count; begin += kBatchMax) {
    const std::size_t end = std::min(begin + kBatchMax, count);
    std::vector<json::Value> some(std::make_move_iterator(evaluations.begin() + static_cast<std::ptrdiff_t>(begin)),
                                  std::make_move_iterator(evaluations.begin() + static_cast<std::ptrdiff_t>(end)));
    json::Value body = batch_of(std::move(some));
    std::string url = point.url + "/access/v1/evaluations";
    auto answer = co_await post(point, std::move(url), std::move(body));
    if (!answer) co_return unexpected(answer.error());
    const auto read = read_decisions(*answer, end - begin);
    if (!read) co_return unexpected(read.error());
    decisions.insert(decisions.end(), read->begin(), read->end());
  }
  co_return decisions;
}

Task<std::vector<policy::Opinion>> ExternalDecisionPoints::ask(std::vector<const policy::Question*> questions, const registry::Snapshot& objects) {
  std::vector<policy::Opinion> opinions(questions.size());
  if (questions.empty()) co_return opinions;
  const auto points = objects.decision_points_for(questions.front()->server.id);
  for (policy::Opinion& opinion : opinions) opinion.allowed = true, opinion.was_asked = !points.empty();
  const auto begun = std::chrono::steady_clock::now();
  for (const registry::DecisionPoint* point : points) {
    std::vector<json::Value> evaluations;
    for (const policy::Question* question : questions) evaluations.push_back(to_evaluation(*question));
    CircuitBreaker& breaker = breaker_of(*point);
    Result<std::vector<bool>, std::string> decisions = unexpected(std::string("circuit_open"));
    if (breaker.may_ask(parts_.clock.now())) {
      auto asked = co_await ask_one(*point, std::move(evaluations));
      decisions = std::move(asked);
      if (decisions) breaker.answered();
      else breaker.failed(parts_.clock.now());
    }
    bool anything_left = false;
    for (std::size_t i = 0; i < opinions.size(); ++i) {
      policy::Opinion& opinion = opinions[i];
      if (!opinion.allowed) continue;   // the first no stays
      const bool yes = decisions && (*decisions)[i];
      if (yes) opinion.decision_point += (opinion.decision_point.empty() ? "" : ",") + point->id;
      else opinion.decision_point = point->id, opinion.reason = decisions ? kDenied : kUnavailable;
      if (!decisions) opinion.detail = decisions.error();
      opinion.allowed = yes;
      anything_left = anything_left || yes;
    }
    if (!anything_left) break;
  }
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun).count();
  for (policy::Opinion& opinion : opinions) opinion.duration_us = took;
  co_return opinions;
}

}  // namespace writ::authzen
