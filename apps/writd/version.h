#pragma once

namespace writ::writd {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace writ::writd
