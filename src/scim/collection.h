#pragma once

// What is done alike with people and with groups: answer with one, make a change and answer with what came of it, delete. Inside scim/ only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "scim/call.h"

namespace writ::scim {

struct Collection {
  registry::ObjectKind kind;
  const ResourceType& (*type)();
  // The resource; absent: there is none that this directory sees.
  std::optional<json::Value> (*find)(const View& view, const std::string& id);
};
Error unknown(const Collection& collection, const std::string& id);

Task<http::Response> get_resource(const Call& call, const Collection& collection);

// What a change came to, handed out of the turn in which it was worked out.
struct Outcome {
  std::string id;
  KeptChange kept;
};
// Makes the change, keeps what the registry has no place for, and answers with the resource as it is then.
Task<http::Response> finish(const Call& call, const Collection& collection, Editing editing, std::shared_ptr<Outcome> outcome, int status);

// The body of a POST or a PUT: a whole resource.
Result<json::Value, Error> read_whole(const Call& call, const Collection& collection);
// PUT and PATCH: makes the whole resource from the present one.
using Next = std::function<Result<json::Value, Error>(json::Value)>;
Result<Next, Error> read_replacement(const Call& call, const Collection& collection);
Result<Next, Error> read_patch(const Call& call, const Collection& collection);

// `removing` says what the change is when it is its turn. Where something else refers to what shall go, it is asked once more with false: for what may stay.
using Removing = std::function<Result<Edit, Error>(const View& view, bool removes)>;
Task<http::Response> delete_resource(const Call& call, const Collection& collection, Removing removing);

}  // namespace writ::scim
