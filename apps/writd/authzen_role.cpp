#include "adapters/yaml/yaml.h"
#include "authzen/external_decision_points.h"
#include "parts.h"

namespace writ::writd {

void build_authzen(Deployment::Parts& parts) {
  auto read_secret = [](const std::string& file) -> Result<Secret, Unavailable> {
    auto secret = yaml::read_secret_file(file, {});
    if (!secret) return unexpected(Unavailable{"a secret file cannot be read"});
    return std::move(*secret);
  };
  parts.decision_points = std::make_unique<authzen::ExternalDecisionPoints>(authzen::Parts{parts.outgoing, parts.clock, std::move(read_secret)});
  parts.evaluation.reset(new authzen::Endpoint{parts.config.base_url, parts.config.idp.issuer, parts.clock, parts.registry, parts.policy, *parts.stores.log, 0, {}});
  parts.public_routes.add_all(authzen::routes(*parts.evaluation), "authzen");
}

}  // namespace writ::writd
