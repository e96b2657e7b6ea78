#include "registry/upstream_program.h"

#include <algorithm>
#include <charconv>

namespace writ::registry {
namespace {

using Runs = UpstreamProgram::Runs;
const std::vector<std::pair<std::string, Runs>> kRuns = {{"per_principal", Runs::per_principal}, {"shared", Runs::shared}};

constexpr std::int64_t kMemoryMin = 16LL << 20, kMemoryMax = 1LL << 40;
constexpr std::size_t kWordsMax = 256, kWordBytesMax = 4096, kPathsMax = 64, kVariablesMax = 128;

// 512MiB, 2GiB, or a plain number of bytes.
std::optional<std::int64_t> parse_bytes(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
  if (shift < 0 || number > (kMemoryMax >> shift)) return std::nullopt;
  return number << shift;
}

std::string bytes_text(std::int64_t bytes) {
  if (bytes % (1 << 30) == 0) return std::to_string(bytes >> 30) + "GiB";
  if (bytes % (1 << 20) == 0) return std::to_string(bytes >> 20) + "MiB";
  return std::to_string(bytes);
}

std::int64_t read_bytes(Fields& fields, std::string_view name, std::int64_t fallback) {
  const Node* node = fields.find(name);
  if (!node) return fallback;
  const auto bytes = parse_bytes(node->text);
  if (bytes && *bytes >= kMemoryMin) return *bytes;
  fields.error(node->at, "`" + std::string(name) + "` is a size of at least 16MiB and at most 1024GiB, for example 512MiB");
  return fallback;
}

// Everything that a person writes without thinking of types: 8080, true, 1.5.
bool is_scalar(const Node& node) { return node.kind != Node::Kind::null && node.kind != Node::Kind::list && node.kind != Node::Kind::mapping; }

// NAME: value.
std::map<std::string, std::string> read_variables(Fields& fields, std::string_view name) {
  std::map<std::string, std::string> out;
  const Node* node = fields.find(name);
  if (!node) return out;
  if (node->kind != Node::Kind::mapping) {
    fields.wrong_type(name, *node, "a mapping of names to text");
    return out;
  }
  for (const auto& entry : node->entries) {
    if (is_scalar(entry.value)) out.emplace(entry.name, entry.value.text);
    else fields.error(entry.value.at, "`" + std::string(name) + "/" + entry.name + "` must be text");
  }
  return out;
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && !(name.front() >= '0' && name.front() <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Absolute, and the same however one looks at it: no empty, `.` or `..` step.
bool is_plain_path(std::string_view path) {
  if (path.size() < 2 || path.size() > 1024 || path.front() != '/' || path.back() == '/' || path.find('\0') != std::string_view::npos) return false;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto step = path.substr(begin, end - begin);
    if (step.empty() || step == "." || step == "..") return false;
    begin = end + 1;
  }
  return true;
}

// The whole of these would show what the sandbox hides: processes, devices, sockets of services, other people's files.
bool is_too_much(std::string_view path) {
  for (const std::string_view folder : {"/proc", "/sys", "/dev"}) {
    if (path == folder || path.starts_with(std::string(folder) + "/")) return true;
  }
  for (const std::string_view folder : {"/etc", "/home", "/root", "/run", "/tmp", "/var", "/var/run", "/var/tmp"}) {
    if (path == folder) return true;
  }
  return false;
}

bool is_below(const std::string& path, const std::string& folder) { return path == folder || path.starts_with(folder + "/"); }

json::Value variables(const std::map<std::string, std::string>& from) {
  json::Value out = json::Object{};
  for (const auto& [name, value] : from) out.set(name, value);
  return out;
}

}  // namespace

void read_program(Fields& upstream, UpstreamAddress& address, Problems& problems) {
  const Node* node = upstream.find("program");
  if (!node) return;
  Fields fields(*node, "`program`", problems);
  UpstreamProgram program;
  for (const Node& word : fields.list("command")) {   // a list of words may hold one twice, so it is no `texts`
    if (is_scalar(word)) program.command.push_back(word.text);
    else fields.error(word.at, "each word of `command` must be text");
  }
  program.environment = read_variables(fields, "environment");
  program.secret_environment = read_variables(fields, "secret_environment");
  program.runs = fields.choice("runs", program.runs, kRuns);
  program.network = fields.flag("network", false);
  program.read_paths = fields.texts("read_paths");
  program.write_paths = fields.texts("write_paths");
  program.memory_bytes_max = read_bytes(fields, "memory", program.memory_bytes_max);
  program.processes_max = fields.integer("processes", program.processes_max, 1, 10'000);
  program.open_files_max = fields.integer("open_files", program.open_files_max, 16, 100'000);
  program.idle_seconds = fields.duration("idle", Seconds{program.idle_seconds}, Seconds{1}, Seconds{30LL * 24 * 3600}).count();
  program.instances_max = fields.integer("instances", program.instances_max, 1, 10'000);
  fields.finish();
  address.program = std::move(program);
}

json::Value write(const UpstreamProgram& program) {
  const UpstreamProgram defaults;
  json::Value out{{"command", json::from_strings(program.command)}};
  if (!program.environment.empty()) out.set("environment", variables(program.environment));
  if (!program.secret_environment.empty()) out.set("secret_environment", variables(program.secret_environment));
  if (program.runs == Runs::shared) out.set("runs", "shared");
  if (program.network) out.set("network", true);
  if (!program.read_paths.empty()) out.set("read_paths", json::from_strings(program.read_paths));
  if (!program.write_paths.empty()) out.set("write_paths", json::from_strings(program.write_paths));
  if (program.memory_bytes_max != defaults.memory_bytes_max) out.set("memory", bytes_text(program.memory_bytes_max));
  if (program.processes_max != defaults.processes_max) out.set("processes", program.processes_max);
  if (program.open_files_max != defaults.open_files_max) out.set("open_files", program.open_files_max);
  if (program.idle_seconds != defaults.idle_seconds) out.set("idle", program.idle_seconds);
  if (program.instances_max != defaults.instances_max) out.set("instances", program.instances_max);
  return out;
}

std::vector<std::pair<std::string, std::string>> problems_of_program(const UpstreamAddress& address) {
  std::vector<std::pair<std::string, std::string>> problems;
  const bool is_stdio = address.transport == UpstreamAddress::Transport::stdio;
  if (is_stdio && !address.program) problems.emplace_back("program", "`transport: stdio` needs `program`: what the gateway runs");
  if (!is_stdio && address.program) problems.emplace_back("program", "a `program` is reached by `transport: stdio` alone; leave `transport` out");
  if (!address.program) return problems;
  const UpstreamProgram& program = *address.program;
  const auto error = [&](const std::string& member, std::string message) { problems.emplace_back("program/" + member, std::move(message)); };
  if (!address.header_name.empty() || address.oauth || !address.ca_file.empty() || !address.client_certificate_file.empty()) {
    problems.emplace_back("program", "a program has no HTTP connection to put credentials on: give it what it needs in `secret_environment`");
  }
  if (program.command.empty() || !is_plain_path(program.command.front())) {
    error("command", "`command` begins with the absolute path of a program, for example [/usr/bin/node, /opt/servers/memory.js]; no shell looks for it");
  }
  const bool fits = program.command.size() <= kWordsMax &&
                    std::all_of(program.command.begin(), program.command.end(), [](const auto& word) { return word.size() <= kWordBytesMax && word.find('\0') == std::string::npos; });
  if (!fits) error("command", "`command` has up to 256 words of up to 4096 bytes");
  if (program.environment.size() + program.secret_environment.size() > kVariablesMax) error("environment", "up to 128 variables can be given");
  for (const auto& [member, given] : {std::pair("environment", &program.environment), {"secret_environment", &program.secret_environment}}) {
    for (const auto& [name, value] : *given) {
      const std::string path = std::string(member) + "/" + name;
      if (!is_variable_name(name)) error(path, "the name of a variable has letters, digits and _, and does not begin with a digit");
      if (name.starts_with("LD_")) error(path, "variables that begin with LD_ change which code is loaded: name the program that is meant in `command`");
      if (value.size() > kWordBytesMax || value.find('\0') != std::string::npos) error(path, "a value has up to 4096 bytes");
    }
  }
  for (const auto& [name, file] : program.secret_environment) {
    if (program.environment.contains(name)) error("secret_environment/" + name, "`" + name + "` stands in `environment` too: which of the two is meant?");
    if (file.empty()) error("secret_environment/" + name, "`" + name + "` needs the file that holds its value");
  }
  for (const auto& [member, paths] : {std::pair("read_paths", &program.read_paths), {"write_paths", &program.write_paths}}) {
    if (paths->size() > kPathsMax) error(member, "up to 64 paths can be named");
    for (const std::string& path : *paths) {
      if (!is_plain_path(path)) error(member, "`" + path + "` must be an absolute path without `.`, `..` and a closing slash");
      else if (is_too_much(path)) error(member, "`" + path + "` would show the program more than it is good for: name the folder below it that is meant");
    }
  }
  for (const std::string& path : program.write_paths) {
    for (const std::string_view system : {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"}) {
      if (is_below(path, std::string(system))) error("write_paths", "`" + path + "` belongs to the system: a program that writes there changes what others run");
    }
  }
  return problems;
}

}  // namespace writ::registry
