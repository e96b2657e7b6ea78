#pragma once

// The IdP's paths, on one screen.

#include <memory>

#include "http/router.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// `idp` outlives the router, and everything that is routed. Paths are those of the issuer's URL.
http::Router routes(const Idp& idp);

}  // namespace writ::token_service::idp
