#pragma once

// Inside registry/ only: what can be said of one identity connector alone. References and uniqueness are check.cpp's.

#include <string>
#include <vector>

#include "registry/identity_connector.h"

namespace writ::registry {

struct ConnectorProblem {
  std::string path, message;
  bool is_warning = false;
};
std::vector<ConnectorProblem> problems_of(const IdentityConnector& connector);

}  // namespace writ::registry
