#pragma once

// The claims of an ID-JAG that say in other words whom it is about, whose tenant is meant and what exactly is granted (draft -04, claims). Only those that
// are there cost anything. Of a verified token only.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"
#include "id_jag/claims.h"
#include "id_jag/rejection.h"

namespace writ::id_jag {

// `keeps_others`: whether anybody will look at claims that have no name of their own here.
Result<void, Rejection> read_identity_claims(const json::Value& claims, bool keeps_others, IdJag& id_jag);

// A subject identifier (RFC 9493 §3) as one of the forms that can name somebody here. `aliases` are several of them.
struct SubjectName {
  enum class Form { issuer_and_subject, opaque, email } form = Form::opaque;
  std::string_view issuer;    // of the first form
  std::string_view value;     // `sub`, `id` or `email`; into the claims
};
// Those of its names that are of these forms; others name nobody here, and are none. Precondition: read_identity_claims took the claims.
std::vector<SubjectName> names_of(const json::Value& sub_id);

// The value of a claim as text: a string as it is, an integer in digits, a boolean as `true` or `false`; empty for anything else, or when it is absent.
std::string claim_text(const IdJag& id_jag, std::string_view name);

}  // namespace writ::id_jag
