#pragma once

// GET {issuer}/federation/{connector}/callback: the browser comes back from the provider.

#include <string>

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

Task<http::Response> federation_callback(const Idp& idp, const http::Request& http, std::string connector_id);

}  // namespace writ::token_service::idp
