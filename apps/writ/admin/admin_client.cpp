#include "admin_client.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "adapters/outgoing/curl_outgoing.h"
#include "output.h"
#include "registry/secret_file.h"
#include "socket_request.h"

namespace writ::cli::admin {
namespace {

constexpr std::size_t kAnswerBytesMax = 64 << 20;
constexpr int kTimeoutMs = 120'000;

std::string default_socket() {
  if (const char* data = std::getenv("WRIT_DATA"); data && *data) return std::string(data) + "/admin.sock";
  return "/var/lib/writ/admin.sock";
}

Result<std::string, std::string> read_token(const std::string& path) {
  TRY(registry::check_secret_file(path));
  std::ifstream file(path);
  std::string token;
  std::getline(file, token);
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty()) return unexpected("`" + path + "` holds no token");
  return token;
}

Result<http::OutgoingResponse, std::string> over_network(const Context& context, http::OutgoingRequest request) {
  if (context.token_file.empty()) return unexpected(std::string("--server needs --token-file: a file with an API token"));
  const std::string token = TRY(read_token(context.token_file));
  std::string base = context.server;
  while (base.ends_with('/')) base.pop_back();
  request.url = base + request.url;
  request.headers.add("Authorization", "Bearer " + token);
  outgoing::CurlOptions options;
  options.ca_file = context.ca_file;
  outgoing::CurlOutgoing outgoing(options);
  auto response = run<Result<http::OutgoingResponse, http::OutgoingFailure>>(outgoing.fetch(std::move(request)));
  if (!response) return unexpected("cannot reach `" + base + "`: " + response.error().detail);
  return std::move(response).value();
}

}  // namespace

Result<Answer, std::string> AdminClient::send(const std::string& method, const std::string& path, const std::optional<json::Value>& body, const std::string& if_match) const {
  http::OutgoingRequest request;
  request.method = method;
  request.url = path;
  request.response_bytes_max = kAnswerBytesMax;
  request.timeout_ms = kTimeoutMs;
  if (body) {
    request.body = json::write(*body);
    request.headers.add("Content-Type", "application/json");
  }
  if (!if_match.empty()) request.headers.add("If-Match", if_match);
  const http::OutgoingResponse response =
      TRY(context_.server.empty() ? socket_request(context_.socket.empty() ? default_socket() : context_.socket, request) : over_network(context_, request));
  Answer answer;
  answer.status = response.status;
  if (const auto* etag = response.headers.find_single("ETag")) answer.etag = *etag;
  auto parsed = json::parse(response.body, json::Limits{kAnswerBytesMax, 64, 5'000'000});
  if (parsed) {
    answer.body = std::move(parsed).value();
  } else {
    answer.body = json::Value{{"title", "the server answered with status " + std::to_string(response.status)}};
  }
  return answer;
}

std::optional<Answer> AdminClient::ask(Context& context, const std::string& method, const std::string& path, const std::optional<json::Value>& body, const std::string& if_match) const {
  auto answer = send(method, path, body, if_match);
  if (!answer) {
    std::fprintf(stderr, "writ: %s\n", safe(answer.error()).c_str());
    context.exit_code = kFailed;
    return std::nullopt;
  }
  if (answer->status >= 400) {
    context.exit_code = report(*answer);
    if (context.json) print_json(answer->body);
    return std::nullopt;
  }
  return std::move(answer).value();
}

int report(const Answer& answer) {
  const std::string* title = answer.body.find_string("title");
  const std::string* detail = answer.body.find_string("detail");
  if (const auto* problems = answer.body.find_array("problems")) {
    for (const auto& problem : *problems) print_problem(problem);
  } else {
    std::fprintf(stderr, "writ: %s%s%s\n", title ? safe(*title).c_str() : "refused", detail ? ": " : "", detail ? safe(*detail).c_str() : "");
  }
  if (answer.status == 401) return kSignIn;
  if (answer.status == 403) return kDenied;
  // A policy that is well-formed and breaks what its tests state is a difference, not a mistake.
  const std::string* kind = answer.body.find_string("kind");
  return kind && *kind == "failed_tests" ? kDifference : kFailed;
}

void print_problem(const json::Value& problem) {
  const auto* pointer = problem.find_string("pointer");
  const auto* file = problem.find_string("file");
  const auto* line = problem.find_int("line");
  const auto* column = problem.find_int("column");
  const auto* message = problem.find_string("message");
  const auto* warning = problem.find_bool("warning");
  const auto* id = problem.find_string("id");
  std::string place = pointer ? *pointer : file ? *file : "";
  if (line && column) place += ":" + std::to_string(*line) + ":" + std::to_string(*column);
  const std::string kind = warning && *warning ? "warning" : "error", named = id ? " [" + *id + "]" : "";
  std::fprintf(stderr, "%s: %s%s: %s\n", safe(place).c_str(), kind.c_str(), safe(named).c_str(), message ? safe(*message).c_str() : "");
}

}  // namespace writ::cli::admin
