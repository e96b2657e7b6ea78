#include "encoding/json_members.h"

#include <simdjson.h>

#include <cstring>

namespace writ::json {

namespace dom = simdjson::dom;

// simdjson's tape, not its On-Demand interface: only the former chooses instructions when the program starts.
struct MemberReader::Parser {
  dom::parser parser;
  std::vector<char> padded;   // simdjson reads a little beyond the end
  std::vector<std::optional<dom::element>> containers;
};

MemberReader::MemberReader(std::vector<std::string_view> names)
    : parser_(std::make_unique<Parser>()), names_(std::move(names)), texts_(names_.size()), integers_(names_.size()), has_integer_(names_.size()) {}
MemberReader::~MemberReader() = default;

bool MemberReader::read(std::string_view text) {
  texts_.assign(names_.size(), {});
  has_integer_.assign(names_.size(), false);
  parser_->containers.assign(names_.size(), std::nullopt);
  auto& padded = parser_->padded;
  if (padded.size() < text.size() + simdjson::SIMDJSON_PADDING) padded.resize(2 * text.size() + simdjson::SIMDJSON_PADDING);
  std::memcpy(padded.data(), text.data(), text.size());
  dom::object object;
  if (parser_->parser.parse(padded.data(), text.size(), false).get(object)) return false;
  std::size_t next = 0;   // the members stand in the order of the names, mostly
  for (const auto [key, value] : object) {
    std::size_t name = next, looked_at = 0;
    while (looked_at < names_.size() && names_[name] != key) name = name + 1 == names_.size() ? 0 : name + 1, ++looked_at;
    if (looked_at == names_.size()) continue;
    next = name + 1 == names_.size() ? 0 : name + 1;
    switch (value.type()) {
      case dom::element_type::STRING: texts_[name] = value.get_string().value_unsafe(); break;
      case dom::element_type::INT64:
        integers_[name] = value.get_int64().value_unsafe();
        has_integer_[name] = true;
        break;
      case dom::element_type::OBJECT:
      case dom::element_type::ARRAY: parser_->containers[name] = value; break;
      default: break;
    }
  }
  return true;
}

std::string MemberReader::json(std::size_t name) const {
  const auto& container = parser_->containers[name];
  return container ? simdjson::minify(*container) : std::string();
}

}  // namespace writ::json
