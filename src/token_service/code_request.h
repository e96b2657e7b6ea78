#pragma once

// What every authorization request for a code has in common (RFC 6749 §4.1.1, RFC 7636), whichever of the authorization servers it is made to. Pure.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "client_metadata/client_documents.h"
#include "encoding/form.h"
#include "registry/snapshot.h"

namespace writ::token_service {

// Said on a page of ours: as long as client and redirect URI are not known to belong together, nobody is sent anywhere (OB-134).
enum class PageProblem { repeated_parameter, client_unknown, client_disabled, redirect_uri_missing, redirect_uri_not_registered, client_document, request_uri_unknown };
std::string_view to_string(PageProblem problem);
const char* explain(PageProblem problem);   // for the person at the browser

// What a client is told by redirect; both live for ever.
struct Wrong {
  const char* error;
  const char* description;
};

// Who asks, and where the answer goes.
struct RequestingClient {
  const registry::Registration* registration = nullptr;      // the one that was given, or `described`
  std::shared_ptr<const registry::Registration> described;   // of a client that is known by the address of its document
  std::string redirect_uri;
};
// `agent` and `registration` may be null: nobody has that client_id.
Result<RequestingClient, PageProblem> check_requesting_client(const form::Parameters& parameters, const registry::Agent* agent, const registry::Registration* registration,
                                                              const client_metadata::ClientDocuments* documents, Instant now);

Result<void, Wrong> check_response(const form::Parameters& parameters);   // response_type=code, in the query; no request objects
Result<void, Wrong> check_pkce(const form::Parameters& parameters);       // S256 and nothing else

// The value, or nothing.
std::string text_of(const form::Parameters& parameters, std::string_view name);
// redirect_uri with an answer, `state` unless it is empty, and `iss` (RFC 9207).
std::string redirect_location(const std::string& redirect_uri, std::vector<std::pair<std::string, std::string>> answer, const std::string& state, std::string_view issuer);

}  // namespace writ::token_service
