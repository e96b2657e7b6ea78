#include "upstreams/eras/modern_request.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"
#include "mcp/streamable_http.h"

namespace writ::upstreams {
namespace {

constexpr std::string_view kClientInfo = "io.modelcontextprotocol/clientInfo", kLogLevel = "io.modelcontextprotocol/logLevel";
constexpr std::string_view kReserved = "io.modelcontextprotocol/";
constexpr std::array<std::string_view, 8> kLevels = {"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};
constexpr std::size_t kInfoBytesMax = 1'024;

// `roots.listChanged` would promise a notification that the modern era does not have; tasks and extensions have other forms.
json::Value legacy_capabilities(const json::Value* declared) {
  json::Value all = json::Object{};
  for (const std::string_view name : {"elicitation", "sampling", "roots"}) {
    const json::Value* one = declared ? declared->find(name) : nullptr;
    if (!one || !one->is_object()) continue;
    json::Value kept = *one;
    if (name == "roots") kept.erase("listChanged");
    all.set(name, std::move(kept));
  }
  return all;
}

json::Value client_info_of(const json::Value* given) {
  const auto* name = given ? given->find_string("name") : nullptr;
  const auto* version = given ? given->find_string("version") : nullptr;
  if (!name || !version || name->size() > kInfoBytesMax || version->size() > kInfoBytesMax) return json::Value{{"name", "mcp-client"}, {"version", "unknown"}};
  return json::Value{{"name", *name}, {"version", *version}};
}

}  // namespace

std::optional<int> log_severity(std::string_view level) {
  const auto* found = std::find(kLevels.begin(), kLevels.end(), level);
  return found == kLevels.end() ? std::nullopt : std::optional(static_cast<int>(found - kLevels.begin()));
}

std::string_view log_level(int severity) { return kLevels.at(static_cast<std::size_t>(severity)); }

bool may_ask_for_input(std::string_view method) { return method == mcp::kToolsCall || method == "prompts/get" || method == "resources/read"; }

Result<ModernRequest, std::string> read_modern_request(const mcp::Message& message) {
  ModernRequest request;
  request.id = *message.id();
  request.method = message.method();
  if (message.params()) request.params = *message.params();
  const json::Value* meta = message.param("_meta");
  const json::Value* declared = meta ? meta->find(mcp::kMetaCapabilities) : nullptr;
  request.capabilities = legacy_capabilities(declared);
  request.client_info = client_info_of(meta ? meta->find(kClientInfo) : nullptr);
  if (const json::Value* token = meta ? meta->find("progressToken") : nullptr) {
    if (!token->is_string() && !token->is_int()) return unexpected(std::string("`progressToken` must be text or a whole number"));
    request.progress_token = *token;
  }
  if (const json::Value* level = meta ? meta->find(kLogLevel) : nullptr) {
    if (level->is_string()) request.log_level = log_severity(*level->as_string());
    if (!request.log_level) return unexpected(std::string("`io.modelcontextprotocol/logLevel` is no log level"));
  }
  if (const json::Value* state = message.param("requestState")) {
    if (!state->is_string()) return unexpected(std::string("`requestState` must be text"));
    request.request_state = *state->as_string();
  }
  if (const json::Value* responses = message.param("inputResponses")) {
    if (!responses->is_object()) return unexpected(std::string("`inputResponses` must be an object"));
    request.input_responses = *responses;
  }
  request.params.erase("inputResponses");
  request.params.erase("requestState");
  json::Value asked = request.params;
  asked.erase("_meta");
  request.digest = crypto::sha256_bytes(request.method + "\n" + json::write_canonical(asked));

  if (meta && meta->is_object()) {
    json::Value kept = json::Object{};
    for (const json::Member& member : *meta->as_object()) {
      // A progress token is given anew: two clients' tokens may be equal.
      if (!member.name.starts_with(kReserved) && member.name != "progressToken") kept.set(member.name, member.value);
    }
    request.params.erase("_meta");
    if (!kept.as_object()->empty()) request.params.set("_meta", std::move(kept));
  }
  if (request.params.is_object() && request.params.as_object()->empty()) request.params = nullptr;
  return request;
}

}  // namespace writ::upstreams
