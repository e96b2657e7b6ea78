#pragma once

// From text to an assertion that is believed. The text is one `<Assertion>` element, signed by itself: the signature is a child of the very element
// that is used, refers to it, and covers all of it. Nothing else is accepted, so there is nothing to wrap (XSW).
//
// No DTD, no entities, no network, bounded size and depth (threat X6). Safe to use from several threads.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/certificate.h"
#include "saml/assertion.h"
#include "saml/problem.h"

namespace writ::saml {

inline constexpr std::size_t kBytesMax = 256 * 1024;
inline constexpr int kDepthMax = 24;

class UnverifiedAssertion {
 public:
  static Result<UnverifiedAssertion, Problem> parse(std::string_view xml);
  // For finding the keys, and for nothing else.
  const std::string& claimed_issuer() const;

 private:
  friend class VerifiedAssertion;
  struct State;
  explicit UnverifiedAssertion(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class VerifiedAssertion {
 public:
  // By one of these certificates' keys. What the signature says of keys itself (KeyInfo) is not read.
  static Result<VerifiedAssertion, Problem> verify(UnverifiedAssertion unverified, const std::vector<crypto::Certificate>& certificates);
  const Assertion& assertion() const { return assertion_; }

 private:
  explicit VerifiedAssertion(Assertion assertion) : assertion_(std::move(assertion)) {}
  Assertion assertion_;
};

}  // namespace writ::saml
