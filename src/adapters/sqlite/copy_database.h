#pragma once

// A copy of a database file at one moment, also while a server writes it.

#include <string>

#include "adapters/sqlite/database.h"

namespace writ::sqlite {

// `to` must not exist; it is made with mode 0600, checked, and on disk when this returns. Blocks.
Result<void, Failure> copy_database(const std::string& from, const std::string& to);

}  // namespace writ::sqlite
