#pragma once

// What an IdP may add for one resource authorization server: `sub_id` in the format of SAML (`saml_subject`), and encryption to its keys
// (`encryption_jwks`). Inside registry/ only.

#include <string>
#include <utility>
#include <vector>

#include "registry/objects.h"
#include "registry/read.h"

namespace writ::registry {

void read_options(Fields& fields, Reading& reading, ResourceAs& ras);
void write_options(const ResourceAs& ras, json::Value& out);
// Member and what would be right. `is_subject_choice` knows the forms that `subject` has.
std::vector<std::pair<std::string, std::string>> problems_of_options(const ResourceAs& ras, bool (*is_subject_choice)(std::string_view));

}  // namespace writ::registry
