#pragma once

#include <string>

#include "gateway/exchange.h"
#include "gateway/settings.h"
#include "http/message.h"

namespace writ::gateway {

// What an agent is told when its person must link an account at the server first, at `url`: in the form of a denial (denial.h), so that a model
// understands it, hands it on, and does not repeat the call before. Precondition: the exchange is about a request with an id.
http::Response account_needed(const Exchange& exchange, const std::string& url, const Settings& settings);

}  // namespace writ::gateway
