#pragma once

// The parts of `writ doctor` that look: each gathers facts of one kind and has them judged (src/doctor). None of them changes anything.

#include <sys/types.h>

#include <optional>

#include "adapters/net/event_loops.h"
#include "base/clock.h"
#include "config/config.h"
#include "doctor/report.h"
#include "registry/documents.h"
#include "registry/object_store.h"
#include "registry/snapshot.h"

namespace writ::writd {

void look_at_files(const config::Config& config, Instant now, doctor::Report& report);
void look_at_files(const registry::Objects& objects, Instant now, doctor::Report& report);
void look_at_certificates(const config::Config& config, Instant now, doctor::Report& report);

// A server that runs with this configuration, found by its local socket; without one, whether the listeners' addresses are free.
struct RunningServer {
  pid_t process = 0;   // 0: not known
};
std::optional<RunningServer> look_for_server(const config::Config& config, doctor::Report& report);
void look_at_limits(const config::Config& config, const std::optional<RunningServer>& server, doctor::Report& report);

struct FoundStore {
  bool is_readable = false;                        // false: what is in it is not known
  std::optional<registry::Catalogue> catalogue;    // absent: there is nothing yet
};
FoundStore look_at_store(const config::Config& config, bool is_running, const Clock& clock, doctor::Report& report);

// Objects and policy as they are or, of an empty store, as the first start would make them. Absent: they cannot be used.
std::optional<registry::Objects> look_at_objects(const config::Config& config, FoundStore found, net::EventLoops& loops, const Clock& clock, doctor::Report& report);

// Identity providers, issuers, sinks and collectors over the network; a running server at its public address.
void look_at_others(const config::Config& config, const std::optional<registry::Objects>& objects, bool is_running, net::EventLoops& loops, const Clock& clock, doctor::Report& report);

}  // namespace writ::writd
