#pragma once

// One request of a directory that may make it. Inside scim/ only.

#include <optional>
#include <string>

#include "encoding/form.h"
#include "scim/endpoint.h"
#include "scim/list.h"
#include "scim/view.h"

namespace writ::scim {

struct Call {
  const Endpoint& endpoint;
  const http::Request& request;
  std::string connector, token;     // ids
  form::Parameters query;
  std::string id;                   // of the resource; empty: the collection
  Instant now{};

  Author author() const { return {connector, token, request.method, request.peer.address}; }
};

// If-Match of a change (RFC 7644 §3.14): absent, `*`, or a list with this version.
Result<void, Error> check_if_match(const http::Request& request, const json::Value& resource);
// If-None-Match of a GET: the client has this version already.
bool is_known(const http::Request& request, const json::Value& resource);
// The version of a finished resource.
std::string version_of(const json::Value& resource);

// A resource as answer, with ETag, and Location where it was made.
http::Response resource_answer(int status, const json::Value& resource, const Projection& projection);
Error to_error(const DirectoryFailure& failure);

// The view of a change at its turn. An error: the connector is gone meanwhile.
Result<View, Error> view_of(const Call& call, const registry::Snapshot& snapshot);

// What there was and is kept of a resource; `last_modified` moves only when something differs.
struct KeptChange {
  Kept kept;
  bool is_change = false;
};
KeptChange keep_again(const Kept* before, json::Value attributes, bool resource_changed, Instant now);

Task<http::Response> list_users(const Call& call);
Task<http::Response> get_user(const Call& call);
Task<http::Response> create_user(const Call& call);
Task<http::Response> replace_user(const Call& call);
Task<http::Response> patch_user(const Call& call);
Task<http::Response> delete_user(const Call& call);

Task<http::Response> list_groups(const Call& call);
Task<http::Response> get_group(const Call& call);
Task<http::Response> create_group(const Call& call);
Task<http::Response> replace_group(const Call& call);
Task<http::Response> patch_group(const Call& call);
Task<http::Response> delete_group(const Call& call);

}  // namespace writ::scim
