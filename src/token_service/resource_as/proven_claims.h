#pragma once

// What is known of a person when a token may be made: the claims of an ID-JAG that every rule held for, or those of a sign-in at the trusted IdP that this
// server itself began. Deciding and minting ask for one, so that skipping the checks does not compile.

#include "id_jag/verify.h"

namespace writ::token_service::resource_as {

// The ID token of a sign-in that was checked whole, in the shape in which decisions look at people. INVARIANT: made where the ID token was verified, or
// where a code that this server sealed was opened, and nowhere else.
class VerifiedSignIn {
 public:
  const id_jag::IdJag& claims() const { return claims_; }

 private:
  friend class SignInAtIdp;
  friend class SealedCodes;
  explicit VerifiedSignIn(id_jag::IdJag claims) : claims_(std::move(claims)) {}
  id_jag::IdJag claims_;
};

// A view: what it was made of outlives it.
class ProvenClaims {
 public:
  ProvenClaims(const id_jag::VerifiedIdJag& id_jag) : claims_(&id_jag.claims()) {}   // either converts by itself: both were proven
  ProvenClaims(const VerifiedSignIn& sign_in) : claims_(&sign_in.claims()) {}
  const id_jag::IdJag& claims() const { return *claims_; }

 private:
  const id_jag::IdJag* claims_;
};

}  // namespace writ::token_service::resource_as
