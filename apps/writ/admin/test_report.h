#pragma once

// The answer of POST /admin/v1/policy/test, for people and for machines.

#include <string>

#include "encoding/json.h"

namespace writ::cli::admin {

std::string test_report(const json::Value& run);    // what fails, how many passed, what no test exercises
std::string tap_report(const json::Value& run);     // TAP 13, coverage as comments
std::string junit_report(const json::Value& run);   // XML with a testsuite for each file

}  // namespace writ::cli::admin
