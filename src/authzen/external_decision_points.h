#pragma once

// Asks the decision points that are configured for a server (AuthZEN Authorization API 1.0, EN-60 to EN-64): one question by evaluation, several by
// evaluations. Every way of not answering is a no: time-out, status, JSON, a missing or mistyped decision, an answer too few or too many.

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "authzen/circuit_breaker.h"
#include "base/secret.h"
#include "http/message.h"
#include "policy/decision_points.h"

namespace writ::authzen {

struct Parts {
  http::Outgoing& outgoing;
  const Clock& clock;
  // Reads the fixed credential of a decision point at each use.
  std::function<Result<Secret, Unavailable>(const std::string& file)> read_secret;
};

// Safe to share between threads. The parts outlive it.
class ExternalDecisionPoints final : public policy::DecisionPoints {
 public:
  explicit ExternalDecisionPoints(Parts parts) : parts_(std::move(parts)) {}
  Task<std::vector<policy::Opinion>> ask(std::vector<const policy::Question*> questions, const registry::Snapshot& objects) override;

 private:
  // One decision for each question, or why there is none.
  Task<Result<std::vector<bool>, std::string>> ask_one(const registry::DecisionPoint& point, std::vector<json::Value> evaluations);
  Task<Result<json::Value, std::string>> post(const registry::DecisionPoint& point, std::string url, json::Value body);
  CircuitBreaker& breaker_of(const registry::DecisionPoint& point);

  Parts parts_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<CircuitBreaker>> breakers_;   // by URL
};

// The answers, judged (pure).
Result<bool, std::string> read_decision(const json::Value& answer);
Result<std::vector<bool>, std::string> read_decisions(const json::Value& answer, std::size_t asked);

}  // namespace writ::authzen
