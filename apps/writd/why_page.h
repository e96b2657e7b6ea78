#pragma once

#include "http/message.h"

namespace writ::writd {

// GET /why/{code}, where a denial sends people. It tells a stranger nothing: what is behind a code is for the person concerned and for
// auditors (rules §6.6), who ask with `writ why`.
Task<http::Response> why_page(const http::Request& request);

}  // namespace writ::writd
