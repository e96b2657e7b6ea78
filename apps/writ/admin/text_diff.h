#pragma once

#include <string>
#include <string_view>

namespace writ::cli::admin {

// The lines in which two texts differ, as `diff -u` shows them with three lines around each difference. Empty: there is none.
std::string text_diff(std::string_view before, std::string_view after);

}  // namespace writ::cli::admin
