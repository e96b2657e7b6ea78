#pragma once

#include "gateway/gateway.h"
#include "http/router.h"

namespace writ::gateway {

// {base}/{server} and its protected resource metadata. `gateway` outlives the router.
http::Router routes(Gateway& gateway, const Settings& settings);

}  // namespace writ::gateway
