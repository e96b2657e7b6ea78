#include "mcp/streamable_http.h"

#include <algorithm>
#include <array>

#include "encoding/base64url.h"
#include "encoding/utf8.h"

namespace writ::mcp {
namespace {

constexpr std::array<std::string_view, 4> kLegacyVersions = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
constexpr std::string_view kSentinelStart = "=?base64?";
constexpr std::string_view kSentinelEnd = "?=";

std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 0x20 && c < 0x7F) || c == '\t'; });
}

Unexpected<Misuse> mismatch(const char* reason, const char* message) {
  return unexpected(Misuse{400, code::kHeaderMismatch, reason, message, nullptr});
}

const json::Value* meta_of(const Message& message) { return message.param("_meta"); }

constexpr std::string_view kTasksPrefix = "tasks/";

Result<void, Misuse> check_version(const Message& message, const http::Headers& headers) {
  const json::Value* meta = meta_of(message);
  const auto* version = meta ? meta->find_string(kMetaVersion) : nullptr;
  if (!version) return unexpected(Misuse{400, code::kInvalidParams, "meta_version_missing", "`_meta` has no protocol version", nullptr});
  const auto* header = headers.find_single(kVersionHeader);
  if (!header) return mismatch("version_header_missing", "MCP-Protocol-Version is missing or repeated");
  if (trim(*header) != *version) return mismatch("version_mismatch", "MCP-Protocol-Version differs from `_meta`");
  if (*version != kModernVersion) {
    json::Value data{{"supported", json::Array{std::string(kModernVersion)}}, {"requested", *version}};
    return unexpected(Misuse{400, code::kUnsupportedVersion, "version_unsupported", "unsupported protocol version", std::move(data)});
  }
  if (message.kind() == Message::Kind::request && !meta->find_object(kMetaCapabilities)) {
    return unexpected(Misuse{400, code::kInvalidParams, "meta_capabilities_missing", "`_meta` has no client capabilities", nullptr});
  }
  return {};
}

// What is needed on requests is compared on notifications too when it is there: two values must never disagree.
Result<void, Misuse> check_mirrored(std::string_view name, const std::string* expected, bool is_required, const http::Headers& headers,
                                    const char* reason) {
  if (headers.count(name) == 0) {
    if (is_required) return mismatch(reason, "a mirrored header is missing");
    return {};
  }
  const auto* header = headers.find_single(name);
  if (!header) return mismatch(reason, "a mirrored header is repeated");
  const auto value = decode_header_value(*header);
  if (!value) return mismatch(reason, "a mirrored header is malformed");
  if (!expected || *value != *expected) return mismatch(reason, "a mirrored header differs from the body");
  return {};
}

}  // namespace

bool is_legacy_version(std::string_view version) {
  return std::find(kLegacyVersions.begin(), kLegacyVersions.end(), version) != kLegacyVersions.end();
}

const std::string* mirrored_name(const Message& message) {
  if (message.method() == kToolsCall || message.method() == "prompts/get") return message.param_string("name");
  if (message.method() == "resources/read") return message.param_string("uri");
  return message.method().starts_with(kTasksPrefix) ? message.param_string("taskId") : nullptr;
}

Era era_of(const Message& message, const http::Headers& headers) {
  const json::Value* meta = meta_of(message);
  if (meta && meta->find(kMetaVersion)) return Era::modern;
  if (message.method() == kInitialize) return Era::legacy;
  const auto values = headers.find_all(kVersionHeader);
  const bool is_modern = std::any_of(values.begin(), values.end(), [](std::string_view value) { return trim(value) == kModernVersion; });
  return is_modern ? Era::modern : Era::legacy;
}

Result<void, Misuse> check_modern(const Message& message, const http::Headers& headers) {
  // Only clients of the legacy era answer requests (TR-55).
  if (message.is_response()) {
    return unexpected(Misuse{400, code::kInvalidRequest, "response_in_modern_era", "responses are not sent in this protocol version", nullptr});
  }
  TRY(check_version(message, headers));
  const bool is_request = message.kind() == Message::Kind::request;
  TRY(check_mirrored(kMethodHeader, &message.method(), is_request, headers, "method_mismatch"));
  const std::string* subject = mirrored_name(message);
  const bool is_required = is_request && subject && !message.method().starts_with(kTasksPrefix);   // TR-60; of tasks the server judges that
  TRY(check_mirrored(kNameHeader, subject, is_required, headers, "name_mismatch"));
  for (const auto& [name, value] : headers.fields()) {
    if (name.size() <= kParamHeaderPrefix.size() || !http::equals_ignoring_case(std::string_view(name).substr(0, kParamHeaderPrefix.size()), kParamHeaderPrefix)) continue;
    if (headers.count(name) > 1 || !decode_header_value(value)) return mismatch("param_malformed", "an Mcp-Param header is malformed");
  }
  return {};
}

Result<void, Misuse> check_legacy_version(const http::Headers& headers) {
  if (headers.count(kVersionHeader) == 0) return {};
  const auto* header = headers.find_single(kVersionHeader);
  if (header && is_legacy_version(trim(*header))) return {};
  json::Value data;
  if (header) {
    json::Array supported(kLegacyVersions.begin() + 1, kLegacyVersions.end());
    supported.emplace_back(kModernVersion);
    data = json::Value{{"supported", std::move(supported)}, {"requested", *header}};
  }
  return unexpected(Misuse{400, code::kUnsupportedVersion, "version_unsupported", "unsupported protocol version", std::move(data)});
}

std::optional<std::string> decode_header_value(std::string_view value) {
  value = trim(value);
  if (!is_printable(value)) return std::nullopt;
  const bool is_encoded = value.size() >= kSentinelStart.size() + kSentinelEnd.size() && value.starts_with(kSentinelStart) && value.ends_with(kSentinelEnd);
  if (!is_encoded) return std::string(value);
  value.remove_prefix(kSentinelStart.size());
  value.remove_suffix(kSentinelEnd.size());
  auto decoded = base64::decode(value);
  if (!decoded || !utf8::is_valid(*decoded)) return std::nullopt;
  return decoded;
}

std::string encode_header_value(std::string_view text) {
  const bool looks_encoded = text.starts_with(kSentinelStart) && text.ends_with(kSentinelEnd);
  const bool is_plain = is_printable(text) && trim(text) == text && text.find('\t') == std::string_view::npos && !looks_encoded;
  if (is_plain) return std::string(text);
  return std::string(kSentinelStart) + base64::encode(text) + std::string(kSentinelEnd);
}

namespace {

struct MediaType {
  std::string_view type;         // without parameters
  std::string_view parameters;   // behind the first `;`
};

MediaType split(std::string_view value) {
  const std::size_t end = value.find(';');
  return {trim(value.substr(0, end)), end == std::string_view::npos ? std::string_view{} : value.substr(end + 1)};
}

bool has_zero_quality(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view one = trim(parameters.substr(0, end));
    if ((one.starts_with("q=") || one.starts_with("Q=")) && one.find_first_not_of("0.", 2) == std::string_view::npos) return true;
    if (end == std::string_view::npos) break;
    parameters.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

bool is_json(const http::Headers& headers) {
  const auto* value = headers.find_single("Content-Type");
  if (!value) return false;
  const MediaType media = split(*value);
  if (!http::equals_ignoring_case(media.type, "application/json")) return false;
  std::string_view parameters = media.parameters;
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view one = trim(parameters.substr(0, end));
    const bool is_utf8 = one.empty() || http::equals_ignoring_case(one, "charset=utf-8") || http::equals_ignoring_case(one, "charset=\"utf-8\"");
    if (!is_utf8) return false;
    if (end == std::string_view::npos) break;
    parameters.remove_prefix(end + 1);
  }
  return true;
}

bool is_event_stream(const http::Headers& headers) {
  const auto* value = headers.find_single("Content-Type");
  return value && http::equals_ignoring_case(split(*value).type, "text/event-stream");
}

bool accepts(const http::Headers& headers, std::string_view media_type) {
  const auto fields = headers.find_all("Accept");
  if (fields.empty()) return true;
  const std::string_view main_type = media_type.substr(0, media_type.find('/'));
  for (std::string_view field : fields) {
    while (true) {
      const std::size_t end = field.find(',');
      const MediaType range = split(field.substr(0, end));
      const bool matches = http::equals_ignoring_case(range.type, media_type) || range.type == "*/*" ||
                           (range.type.ends_with("/*") && http::equals_ignoring_case(range.type.substr(0, range.type.size() - 2), main_type));
      if (matches && !has_zero_quality(range.parameters)) return true;
      if (end == std::string_view::npos) break;
      field.remove_prefix(end + 1);
    }
  }
  return false;
}

}  // namespace writ::mcp
