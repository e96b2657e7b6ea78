#include "init.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "config/config.h"
#include "encoding/json.h"
#include "encoding/uri.h"

namespace writ::writd {
namespace {

namespace fs = std::filesystem;

constexpr int kUsage = 2;

int failed(const InitOptions& options, const std::string& sentence, int code) {
  if (options.json) std::fprintf(stderr, "%s\n", json::write(json::Value{{"error", sentence}, {"exit", code}}).c_str());
  else std::fprintf(stderr, "writ init: %s\n", sentence.c_str());
  return code;
}

// Talk is on standard error, so that standard output stays what was made.
void ask(const char* question, std::string& answer) {
  std::fprintf(stderr, answer.empty() ? "%s: " : "%s [%s]: ", question, answer.c_str());
  std::string line;
  if (std::getline(std::cin, line) && !line.empty()) answer = line;
}

void ask_all(InitOptions& options) {
  config::FirstAnswers& answers = options.answers;
  ask("public address of this deployment", answers.base_url);
  ask("name of the organisation", answers.organisation);
  ask("data directory", answers.data_directory);
  if (answers.base_url.starts_with("https:") && answers.certificate.empty() && answers.trusted_proxies.empty()) {
    ask("certificate (PEM file; empty: a proxy in front has it)", answers.certificate);
    if (!answers.certificate.empty()) {
      ask("its key (PEM file)", answers.key);
    } else {
      std::string network;
      ask("network of that proxy (CIDR, such as 10.0.0.0/8)", network);
      if (!network.empty()) answers.trusted_proxies.push_back(network);
    }
  }
  ask("issuer of the OpenID provider where people sign in (empty: they have passwords here)", answers.provider);
  if (!answers.provider.empty()) {
    ask("this deployment's client id there", answers.provider_client_id);
    ask("file with its client secret", answers.provider_client_secret_file);
    ask("e-mail domain of the company", answers.provider_domain);
    ask("value of its `groups` claim for people who may begin (empty: nobody yet)", answers.provider_group);
  } else if (answers.person.empty()) {
    ask("name of the first person", answers.person);
  }
  if (options.servers.empty()) {
    std::string server;
    ask("an MCP server, as ID=URL (empty: none yet)", server);
    if (!server.empty()) options.servers.push_back(server);
  }
}

Result<void, std::string> read_servers(InitOptions& options) {
  for (const auto& server : options.servers) {
    const auto equals = server.find('=');
    if (equals == std::string::npos || equals == 0 || !uri::parse(server.substr(equals + 1))) return unexpected("`" + server + "` is no server: ID=URL is expected, such as notes=http://127.0.0.1:9000/mcp");
    options.answers.servers.emplace_back(server.substr(0, equals), server.substr(equals + 1));
  }
  return {};
}

// Who types a path means it from here; the configuration means it from its own folder.
void make_absolute(config::FirstAnswers& answers) {
  for (std::string* path : {&answers.certificate, &answers.key, &answers.provider_client_secret_file, &answers.postgresql_password_file}) {
    if (!path->empty()) *path = fs::absolute(*path).lexically_normal().string();
  }
}

// O_EXCL: what somebody else makes in this moment is not overwritten either.
Result<void, std::string> write_file(const fs::path& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return unexpected("cannot write `" + path.string() + "`: " + std::strerror(errno));
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  if (!written) return unexpected("cannot write `" + path.string() + "`: " + std::strerror(errno));
  return {};
}

Result<std::vector<std::string>, std::string> write_all(const fs::path& folder, const std::map<std::string, std::string>& files) {
  for (const auto& [name, text] : files) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(folder / name, ignored))) return unexpected("`" + (folder / name).string() + "` exists already: nothing was written. Name another folder, or move it away");
  }
  std::vector<std::string> written;
  for (const auto& [name, text] : files) {
    const fs::path path = folder / name;
    std::error_code failure;
    fs::create_directories(path.parent_path(), failure);
    auto done = failure ? Result<void, std::string>(unexpected("cannot make `" + path.parent_path().string() + "`: " + failure.message())) : write_file(path, text);
    if (done) {
      written.push_back(path.string());
      continue;
    }
    for (const auto& made : written) fs::remove(made, failure);   // half a deployment helps nobody
    return unexpected(done.error());
  }
  return written;
}

std::vector<std::string> next_steps(const InitOptions& options) {
  const config::FirstAnswers& answers = options.answers;
  const std::string config = (fs::path(options.folder) / "writ.yaml").lexically_normal().string();
  const fs::path data = fs::path(answers.data_directory).is_absolute() ? fs::path(answers.data_directory) : fs::path(options.folder) / answers.data_directory;
  const std::string socket = " --socket " + (data / "admin.sock").lexically_normal().string();
  std::vector<std::string> steps{"writ doctor -c " + config, "writ serve -c " + config};
  if (!answers.person.empty()) steps.push_back("writ user password " + answers.person + socket);
  if (!answers.servers.empty()) steps.push_back("writ review list" + socket);
  steps.push_back("writ login " + answers.base_url + "/idp");
  for (const auto& [id, url] : answers.servers) steps.push_back("writ connect " + answers.base_url + "/mcp/" + id);
  return steps;
}

}  // namespace

int init(const InitOptions& given) {
  InitOptions options = given;
  if (!options.no_input && !options.json && ::isatty(STDIN_FILENO) != 0) ask_all(options);
  if (const auto read = read_servers(options); !read) return failed(options, read.error(), kUsage);
  make_absolute(options.answers);
  const auto files = config::first_files(options.answers);
  if (!files) return failed(options, files.error(), kUsage);
  const auto written = write_all(fs::path(options.folder).lexically_normal(), *files);
  if (!written) return failed(options, written.error(), 1);
  const auto steps = next_steps(options);
  if (options.json) {
    json::Array names, next;
    for (const auto& name : *written) names.emplace_back(name);
    for (const auto& step : steps) next.emplace_back(step);
    std::printf("%s\n", json::write(json::Value{{"written", std::move(names)}, {"next", std::move(next)}}).c_str());
    return 0;
  }
  for (const auto& name : *written) std::printf("wrote %s\n", name.c_str());
  std::printf("\nNext:\n");
  for (const auto& step : steps) std::printf("    %s\n", step.c_str());
  return 0;
}

}  // namespace writ::writd
