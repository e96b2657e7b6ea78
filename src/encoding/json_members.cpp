#include "encoding/json_members.h"

#include <simdjson.h>

#include <cstring>

namespace writ::json {

namespace dom = simdjson::dom;

// simdjson's tape, not its On-Demand interface: only the former chooses instructions when the program starts.
struct MemberReader::Parser {
  dom::parser parser;
  std::vector<char> padded;   // simdjson reads a little beyond the end
  std::vector<std::pair<std::size_t, dom::element>> containers;   // by the number of the name
};

// Most members are not wanted, and most of these are told by length and first letter.
std::size_t MemberReader::mark_of(std::string_view name) { return (name.size() * 32 + (name.empty() ? 0 : static_cast<unsigned char>(name[0]) & 31)) % std::tuple_size_v<decltype(is_marked_)>; }

MemberReader::MemberReader(std::vector<std::string_view> names)
    : parser_(std::make_unique<Parser>()), names_(std::move(names)), texts_(names_.size()), integers_(names_.size()), has_integer_(names_.size()) {
  for (const auto name : names_) is_marked_[mark_of(name)] = true;
}
MemberReader::~MemberReader() = default;

bool MemberReader::read(std::string_view text) {
  texts_.assign(names_.size(), {});
  has_integer_.assign(names_.size(), false);
  parser_->containers.clear();
  auto& padded = parser_->padded;
  if (padded.size() < text.size() + simdjson::SIMDJSON_PADDING) padded.resize(2 * text.size() + simdjson::SIMDJSON_PADDING);
  std::memcpy(padded.data(), text.data(), text.size());
  dom::object object;
  if (parser_->parser.parse(padded.data(), text.size(), false).get(object)) return false;
  std::size_t next = 0;   // the members stand in the order of the names, mostly
  for (const auto [key, value] : object) {
    if (!is_marked_[mark_of(key)]) continue;
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
      case dom::element_type::ARRAY: parser_->containers.emplace_back(name, value); break;
      default: break;
    }
  }
  return true;
}

std::string MemberReader::json(std::size_t name) const {
  for (const auto& [number, container] : parser_->containers) {
    if (number == name) return simdjson::minify(container);
  }
  return {};
}

}  // namespace writ::json
