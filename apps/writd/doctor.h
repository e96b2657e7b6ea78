#pragma once

#include "../server_words/server_words.h"

namespace writ::writd {

// `writ doctor` (docs/reference/doctor.md): looks at everything that a deployment of this configuration needs, and changes nothing. The process's
// exit code: 7 when something is wrong.
int doctor(const DoctorOptions& options);

}  // namespace writ::writd
