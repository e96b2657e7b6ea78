// What a reviewer sees: each thing that waits, where it differs from what is approved, and nothing in it that the eye would miss.

#include "admin/definition_review.h"

#include <cstdio>

#include "audit/record.h"

namespace writ::admin {

using namespace registry;

namespace {

struct Named {
  char32_t first, last;
  const char* name;
};
// Invisible characters, and those that change the order of what stands beside them.
constexpr Named kInvisible[] = {
    {0x00, 0x1F, "CONTROL"}, {0x7F, 0x9F, "CONTROL"}, {0xA0, 0xA0, "NO-BREAK SPACE"}, {0xAD, 0xAD, "SOFT HYPHEN"}, {0x034F, 0x034F, "COMBINING GRAPHEME JOINER"},
    {0x061C, 0x061C, "ARABIC LETTER MARK"}, {0x115F, 0x1160, "HANGUL FILLER"}, {0x17B4, 0x17B5, "KHMER INHERENT VOWEL"}, {0x180B, 0x180F, "MONGOLIAN SEPARATOR"},
    {0x1680, 0x1680, "OGHAM SPACE MARK"}, {0x2000, 0x200A, "SPACE OF ANOTHER WIDTH"}, {0x200B, 0x200B, "ZERO WIDTH SPACE"}, {0x200C, 0x200C, "ZERO WIDTH NON-JOINER"}, {0x200D, 0x200D, "ZERO WIDTH JOINER"},
    {0x200E, 0x200E, "LEFT-TO-RIGHT MARK"}, {0x200F, 0x200F, "RIGHT-TO-LEFT MARK"}, {0x2028, 0x2028, "LINE SEPARATOR"}, {0x2029, 0x2029, "PARAGRAPH SEPARATOR"},
    {0x202A, 0x202A, "LEFT-TO-RIGHT EMBEDDING"}, {0x202B, 0x202B, "RIGHT-TO-LEFT EMBEDDING"}, {0x202C, 0x202C, "POP DIRECTIONAL FORMATTING"}, {0x202D, 0x202D, "LEFT-TO-RIGHT OVERRIDE"},
    {0x202E, 0x202E, "RIGHT-TO-LEFT OVERRIDE"}, {0x202F, 0x202F, "NARROW NO-BREAK SPACE"}, {0x205F, 0x205F, "MATHEMATICAL SPACE"}, {0x2060, 0x2060, "WORD JOINER"}, {0x2061, 0x2064, "INVISIBLE OPERATOR"},
    {0x2066, 0x2069, "DIRECTIONAL ISOLATE"}, {0x206A, 0x206F, "DEPRECATED FORMAT CHARACTER"}, {0x2800, 0x2800, "BRAILLE BLANK"}, {0x3000, 0x3000, "IDEOGRAPHIC SPACE"}, {0x3164, 0x3164, "HANGUL FILLER"},
    {0xFE00, 0xFE0F, "VARIATION SELECTOR"}, {0xFEFF, 0xFEFF, "ZERO WIDTH NO-BREAK SPACE"}, {0xFFA0, 0xFFA0, "HALFWIDTH HANGUL FILLER"}, {0xFFF9, 0xFFFB, "INTERLINEAR ANNOTATION"},
    {0xE0000, 0xE007F, "TAG CHARACTER"}, {0xE0100, 0xE01EF, "VARIATION SELECTOR"}, {0xE000, 0xF8FF, "PRIVATE USE"}, {0xF0000, 0x10FFFF, "PRIVATE USE"},
};
// Letters that pass for Latin ones when they stand among them.
constexpr Named kLookAlikes[] = {
    {0x0250, 0x02AF, "IPA LETTER"}, {0x0370, 0x03FF, "GREEK LETTER"}, {0x0400, 0x052F, "CYRILLIC LETTER"}, {0x0530, 0x058F, "ARMENIAN LETTER"}, {0x13A0, 0x13FF, "CHEROKEE LETTER"},
    {0x1D00, 0x1DBF, "PHONETIC LETTER"}, {0x2100, 0x214F, "LETTERLIKE SYMBOL"}, {0xA4D0, 0xA4FF, "LISU LETTER"}, {0xAB30, 0xABBF, "CHEROKEE OR LATIN LETTER"}, {0xFF01, 0xFF5E, "FULLWIDTH FORM"}, {0x1D400, 0x1D7FF, "MATHEMATICAL LETTER"},
};

const char* name_in(char32_t point, const auto& table) {
  for (const Named& row : table) {
    if (point >= row.first && point <= row.last) return row.name;
  }
  return nullptr;
}

std::u32string decoded(std::string_view text) {
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;   // json::parse has checked that it is UTF-8
    char32_t point = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t j = 1; j < length && i + j < text.size(); ++j) point = (point << 6) | (static_cast<unsigned char>(text[i + j]) & 0x3Fu);
    points += point;
    i += length;
  }
  return points;
}

void append_utf8(std::string& out, char32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

bool is_latin(char32_t point) { return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z'); }
bool is_word(char32_t point) { return is_latin(point) || (point >= '0' && point <= '9') || point == '_' || point >= 0xC0; }

json::Value shown(const json::Value& value) {
  if (const auto* text = value.as_string()) return visible(*text);
  if (const auto* list = value.as_array()) {
    json::Array out;
    for (const json::Value& item : *list) out.push_back(shown(item));
    return out;
  }
  if (const auto* object = value.as_object()) {
    json::Value out = json::Object{};
    for (const json::Member& member : *object) out.set(visible(member.name), shown(member.value));
    return out;
  }
  return value;
}

// Members that differ, each with its JSON pointer; lists as a whole.
void compare(const json::Value* before, const json::Value* after, const std::string& at, json::Array& out) {
  if (before && after && json::write_canonical(*before) == json::write_canonical(*after)) return;
  if (before && after && before->is_object() && after->is_object()) {
    for (const json::Member& member : *before->as_object()) compare(&member.value, after->find(member.name), at + "/" + visible(member.name), out);
    for (const json::Member& member : *after->as_object()) {
      if (!before->find(member.name)) compare(nullptr, &member.value, at + "/" + visible(member.name), out);
    }
    return;
  }
  json::Value difference{{"at", at}};
  if (before) difference.set("before", shown(*before));
  if (after) difference.set("after", shown(*after));
  out.push_back(std::move(difference));
}

}  // namespace

std::string visible(std::string_view text) {
  const std::u32string points = decoded(text);
  std::string out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const char32_t point = points[i];
    const char* name = point == '\n' || point == '\t' ? nullptr : name_in(point, kInvisible);
    if (const char* look_alike = name ? nullptr : name_in(point, kLookAlikes)) {
      std::size_t begin = i, end = i;
      while (begin > 0 && is_word(points[begin - 1])) --begin;
      while (end + 1 < points.size() && is_word(points[end + 1])) ++end;
      bool among_latin = point >= 0xFF01 || point >= 0x1D400;   // these look Latin by themselves
      for (std::size_t j = begin; j <= end; ++j) among_latin = among_latin || is_latin(points[j]);
      if (among_latin) name = look_alike;
    }
    if (!name) {
      append_utf8(out, point);
      continue;
    }
    char number[16];
    std::snprintf(number, sizeof number, "\\u{%04X ", static_cast<unsigned>(point));
    out.append(number).append(name).append("}");
  }
  return out;
}

json::Value inbox(const Catalogue& present, const std::string& server, bool with_rejected) {
  json::Array items;
  for (const ObjectKind kind : {ObjectKind::instructions, ObjectKind::prompt, ObjectKind::tool}) {
    present.definitions.for_each(kind, [&](const std::shared_ptr<const Definition>& definition) {
      if (!definition->pending || (!server.empty() && definition->server != server) || (!with_rejected && !definition->is_news())) return;
      const Definition::Pending& pending = *definition->pending;
      json::Value item{{"kind", collection(kind)}, {"id", definition->key()}, {"shown_id", visible(definition->key())}, {"server", definition->server}, {"digest", pending.digest},
                       {"first_seen", audit::to_iso8601(pending.first_seen)}, {"change", !definition->approved ? "new" : pending.is_only_wording ? "wording" : "definition"},
                       {"rejected", pending.digest == definition->rejected}};
      if (definition->approved) item.set("approved_digest", definition->approved_digest);
      json::Array differences;
      compare(definition->approved.get(), pending.definition.get(), "", differences);
      item.set("differences", std::move(differences));
      items.push_back(std::move(item));
    });
  }
  return json::Value{{"items", std::move(items)}, {"sequence", static_cast<std::int64_t>(present.sequence)}};
}

}  // namespace writ::admin
