#include "mcp/json_rpc.h"

#include <algorithm>
#include <array>

#include "base/overloaded.h"

namespace writ::mcp {
namespace {

constexpr std::size_t kIdBytesMax = 1'024;   // ids are remembered until they are answered
constexpr std::array<std::string_view, 6> kMembers = {"jsonrpc", "id", "method", "params", "result", "error"};
// The members of `params` that decisions or routing look at.
constexpr std::array<std::string_view, 10> kDecisiveParams = {"name", "uri", "arguments", "_meta", "ref", "argument", "cursor", "task", "taskId", "requestId"};

std::string fold(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("\xC5\xBF")) {
      folded += 's', i += 1;
    } else if (text.substr(i).starts_with("\xE2\x84\xAA")) {
      folded += 'k', i += 2;
    } else {
      folded += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + ('a' - 'A')) : text[i];
    }
  }
  return folded;
}

bool is_look_alike(std::string_view name) {
  return std::any_of(kDecisiveParams.begin(), kDecisiveParams.end(),
                     [name](std::string_view known) { return name != known && equals_folded(name, known); });
}

}  // namespace

bool equals_folded(std::string_view a, std::string_view b) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  if (std::all_of(a.begin(), a.end(), is_ascii) && std::all_of(b.begin(), b.end(), is_ascii)) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
  }
  return fold(a) == fold(b);
}

std::string to_key(const RequestId& id) {
  return std::visit(Overloaded{[](std::int64_t number) { return "i" + std::to_string(number); },
                               [](const std::string& text) { return "s" + text; }},
                    id);
}

json::Value to_json(const RequestId& id) {
  return std::visit([](const auto& value) { return json::Value(value); }, id);
}

std::optional<RequestId> parse_id(const json::Value& value) {
  if (const auto* number = value.as_int()) return *number;
  if (const auto* text = value.as_string()) return *text;
  return std::nullopt;
}

std::string_view to_string(MessageProblem problem) {
  switch (problem) {
    case MessageProblem::not_json: return "not_json";
    case MessageProblem::too_large: return "too_large";
    case MessageProblem::batch: return "batch";
    case MessageProblem::not_an_object: return "not_an_object";
    case MessageProblem::wrong_version: return "wrong_version";
    case MessageProblem::bad_id: return "bad_id";
    case MessageProblem::bad_method: return "bad_method";
    case MessageProblem::bad_params: return "bad_params";
    case MessageProblem::unknown_member: return "unknown_member";
    case MessageProblem::look_alike_member: return "look_alike_member";
    case MessageProblem::not_a_message: return "not_a_message";
  }
  return "";
}

int error_code(MessageProblem problem) {
  switch (problem) {
    case MessageProblem::not_json: return code::kParseError;
    case MessageProblem::bad_params:
    case MessageProblem::look_alike_member: return code::kInvalidParams;
    default: return code::kInvalidRequest;
  }
}

Result<Message, MessageProblem> Message::parse(std::string_view text, const json::Limits& limits) { return parse(text, limits, From::client); }

Result<Message, MessageProblem> Message::parse_from_server(std::string_view text, const json::Limits& limits) {
  return parse(text, limits, From::server);
}

Result<Message, MessageProblem> Message::parse(std::string_view text, const json::Limits& limits, From from) {
  auto parsed = json::parse(text, limits);
  if (!parsed) {
    const json::Problem problem = parsed.error();
    const bool is_limit = problem == json::Problem::too_large || problem == json::Problem::too_deep || problem == json::Problem::too_many_members;
    return unexpected(is_limit ? MessageProblem::too_large : MessageProblem::not_json);
  }
  Message message;
  message.value_ = std::move(*parsed);
  const json::Value& value = message.value_;
  if (value.is_array()) return unexpected(MessageProblem::batch);
  const json::Object* members = value.as_object();
  if (!members) return unexpected(MessageProblem::not_an_object);
  if (from == From::client) {
    for (const json::Member& member : *members) {
      if (std::find(kMembers.begin(), kMembers.end(), member.name) == kMembers.end()) return unexpected(MessageProblem::unknown_member);
    }
  }
  const auto* version = value.find_string("jsonrpc");
  if (!version || *version != "2.0") return unexpected(MessageProblem::wrong_version);

  const json::Value* id = value.find("id");
  const json::Value* method = value.find("method");
  const json::Value* result = value.find("result");
  const json::Value* error = value.find("error");
  if (id) {
    message.id_ = parse_id(*id);
    // An error about a message whose id could not be read has none, or null as JSON-RPC itself wants it.
    if (!message.id_ && !(error && id->is_null())) return unexpected(MessageProblem::bad_id);
    const auto* text_id = id->as_string();
    if (text_id && text_id->size() > kIdBytesMax) return unexpected(MessageProblem::bad_id);
  }
  if (method) {
    const auto* name = method->as_string();
    if (!name || name->empty()) return unexpected(MessageProblem::bad_method);
    if (result || error) return unexpected(MessageProblem::not_a_message);
    message.method_ = *name;
    message.kind_ = id ? Kind::request : Kind::notification;
    if (const json::Value* params = message.params()) {
      const json::Object* named = params->as_object();
      if (!named) return unexpected(MessageProblem::bad_params);
      if (from == From::client && std::any_of(named->begin(), named->end(), [](const json::Member& member) { return is_look_alike(member.name); })) {
        return unexpected(MessageProblem::look_alike_member);
      }
    }
    return message;
  }
  if (value.find("params") || (result != nullptr) == (error != nullptr)) return unexpected(MessageProblem::not_a_message);
  if (result && !message.id_) return unexpected(MessageProblem::bad_id);
  if (from == From::client && !message.id_) return unexpected(MessageProblem::bad_id);
  if (error && !error->is_object()) return unexpected(MessageProblem::not_a_message);
  message.kind_ = result ? Kind::result : Kind::error;
  return message;
}

const json::Value* Message::param(std::string_view name) const {
  const json::Value* params = this->params();
  return params ? params->find(name) : nullptr;
}

const std::string* Message::param_string(std::string_view name) const {
  const json::Value* found = param(name);
  return found ? found->as_string() : nullptr;
}

json::Value error_response(const std::optional<RequestId>& id, int error_code, std::string_view message, json::Value data) {
  json::Value error{{"code", error_code}, {"message", message}};
  if (!data.is_null()) error.set("data", std::move(data));
  json::Value response{{"jsonrpc", "2.0"}};
  if (id) response.set("id", to_json(*id));
  response.set("error", std::move(error));
  return response;
}

json::Value result_response(const RequestId& id, json::Value result) {
  json::Value response{{"jsonrpc", "2.0"}, {"id", to_json(id)}};
  response.set("result", std::move(result));
  return response;
}

}  // namespace writ::mcp
