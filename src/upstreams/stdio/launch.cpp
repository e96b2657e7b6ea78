#include "upstreams/stdio/launch.h"

#include "registry/upstream_program.h"

namespace writ::upstreams::stdio {

Result<Launch, std::string> launch_of(const registry::Server& server, const ReadSecretFile& read_secret) {
  const registry::UpstreamProgram& program = *server.upstream->program;
  Launch launch;
  launch.server = server.id;
  launch.command = program.command;
  // What a program needs to run at all; the server object may say otherwise. Nothing of the service's own environment.
  const std::pair<const char*, const char*> basics[] = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/home/program"}, {"TMPDIR", "/tmp"}, {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : basics) {
    if (!program.environment.contains(name)) launch.environment.emplace_back(name, value);
  }
  for (const auto& [name, value] : program.environment) launch.environment.emplace_back(name, value);
  for (const auto& [name, file] : program.secret_environment) {
    auto secret = read_secret(file);
    if (!secret) return unexpected(std::move(secret).error());
    launch.secret_environment.emplace_back(name, std::move(*secret));
  }
  launch.network = program.network;
  launch.read_paths = program.read_paths;
  launch.write_paths = program.write_paths;
  launch.memory_bytes_max = program.memory_bytes_max;
  launch.processes_max = program.processes_max;
  launch.open_files_max = program.open_files_max;
  return launch;
}

std::string fingerprint_of(const registry::Server& server) {
  return std::to_string(static_cast<int>(server.upstream->era)) + json::write(registry::write(*server.upstream->program));
}

}  // namespace writ::upstreams::stdio
