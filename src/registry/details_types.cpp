#include "registry/details_types.h"

#include <set>

namespace writ::registry {

std::vector<std::string> details_types(const Snapshot& objects, std::string_view issuer) {
  std::set<std::string> types;
  for (const Server& server : objects.objects().servers) {
    if (server.active && (issuer.empty() || server.resource_as == issuer)) types.insert(server.authorization_details_types.begin(), server.authorization_details_types.end());
  }
  return {types.begin(), types.end()};
}

}  // namespace writ::registry
