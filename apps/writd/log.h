#pragma once

// The operator's log, on standard error: what audit does not say. Never a token, a secret or a body.

#include <string>

#include "config/config.h"

namespace writ::writd {

void set_up_log(const config::Log& settings);
void log_info(const std::string& sentence);
void log_warning(const std::string& sentence);
void log_error(const std::string& sentence);

}  // namespace writ::writd
