#include "cedar/request_validation.h"

#include <array>

namespace writ::cedar {

namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }
Unexpected<RequestRefusal> refuse(RequestProblem problem, std::string detail) { return unexpected(RequestRefusal{problem, std::move(detail)}); }

Result<const EntityType*, RequestRefusal> find_type(const EntityUid& uid, const Schema& schema, RequestProblem unknown_type, RequestProblem unknown_id) {
  const EntityType* type = schema.find_type(uid.type());
  if (type == nullptr || type->is_action) return refuse(unknown_type, "there is no entity type " + quoted(uid.type()));
  if (!type->has_id(uid.id())) return refuse(unknown_id, quoted(uid.type()) + " lists no " + quoted(uid.id()));
  return type;
}

}  // namespace

std::string_view to_string(RequestProblem problem) {
  static constexpr std::array<std::string_view, 8> kNames{"unknown_principal_type", "unknown_principal_id",     "unknown_resource_type",   "unknown_resource_id",
                                                          "unknown_action",         "principal_not_applicable", "resource_not_applicable", "wrong_context"};
  static_assert(kNames.size() == static_cast<std::size_t>(RequestProblem::wrong_context) + 1);
  return kNames[static_cast<std::size_t>(problem)];
}

Result<void, RequestRefusal> validate_request(const Request& request, const Schema& schema) {
  using enum RequestProblem;
  const EntityType* principal = TRY(find_type(request.principal, schema, unknown_principal_type, unknown_principal_id));
  const EntityType* resource = TRY(find_type(request.resource, schema, unknown_resource_type, unknown_resource_id));
  const Action* action = schema.find_action(request.action);
  if (action == nullptr) return refuse(unknown_action, "there is no action " + quoted(request.action.to_string()));
  if (!contains(action->principals, *principal))
    return refuse(principal_not_applicable, quoted(request.action.to_string()) + " does not take a principal of type " + quoted(principal->name));
  if (!contains(action->resources, *resource))
    return refuse(resource_not_applicable, quoted(request.action.to_string()) + " does not take a resource of type " + quoted(resource->name));
  if (const auto mismatch = find_mismatch(request.context, *action->context, schema)) return refuse(wrong_context, describe(*mismatch, "context"));
  return {};
}

}  // namespace writ::cedar
