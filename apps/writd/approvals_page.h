#pragma once

#include "http/message.h"

namespace writ::writd {

// /approvals/{id}: what the address in a held call's answer shows. Nobody is signed in here, so it says nothing about the call: only how an approver
// gets to see it.
Task<http::Response> approvals_page(const http::Request& request);

}  // namespace writ::writd
