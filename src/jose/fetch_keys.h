#pragma once

// One attempt to get the published keys of somebody else, with no memory of earlier ones (remote_key_set.h remembers).

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "http/message.h"
#include "jose/jwk.h"

namespace writ::jose {

// Whose keys, and where they are said to be. Sets are kept per source, never pooled (J8).
struct KeySource {
  std::string issuer;                // for discovery; may be empty when jwks_uri is not
  std::string jwks_uri;              // empty: from the issuer's metadata
  bool chosen_by_a_stranger = false; // then only public addresses are fetched from (N1)

  // No aggregate: g++ 12 destroys twice what a braced list inside an expression with co_await makes.
  KeySource() = default;
  KeySource(std::string for_issuer, std::string at_uri, bool of_a_stranger)
      : issuer(std::move(for_issuer)), jwks_uri(std::move(at_uri)), chosen_by_a_stranger(of_a_stranger) {}

  friend auto operator<=>(const KeySource&, const KeySource&) = default;
};

enum class KeyFetchProblem {
  unreachable,        // refused, timed out, too large, broken off
  bad_status,         // anything but 200: redirects are not followed (N2)
  bad_metadata,       // no JSON object with a usable jwks_uri
  wrong_issuer,       // the document is about another issuer than was asked for (N6)
  insecure_uri,       // not https, nor loopback where that is allowed
  no_key_set,         // the body is no JWK set
  no_usable_key,      // a set, with nothing in it that we would verify with (J15)
};
std::string_view to_string(KeyFetchProblem problem);

// Where an issuer's metadata may be, in the order asked: RFC 8414 §3.1, then OpenID Connect Discovery in both spellings.
std::vector<std::string> metadata_urls(std::string_view issuer);

// Answers within 5.6 seconds as long as `outgoing` keeps its time limits. `outgoing` outlives the task.
Task<Result<KeySet, KeyFetchProblem>> fetch_keys(http::Outgoing& outgoing, KeySource source);

}  // namespace writ::jose
