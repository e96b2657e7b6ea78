#include "policy/promote.h"

#include <cctype>
#include <optional>

#include "cedar/parser.h"
#include "policy/obligations.h"

namespace writ::policy {
namespace {

struct Cut {
  std::string file;
  std::size_t begin = 0, end = 0;
};

bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }

// Over white space and comments.
std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (std::isspace(static_cast<unsigned char>(text[at]))) {
      ++at;
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else {
      break;
    }
  }
  return at;
}

// Where the annotation stands whose name ends at `name_end`: from its `@` to after its value, and with the line when nothing else is on it.
Cut cut_of(const std::string& file, std::string_view text, std::size_t name_begin, std::size_t name_end) {
  Cut cut{file, text.rfind('@', name_begin), name_end};
  const std::size_t open = skip_space(text, name_end);
  if (open < text.size() && text[open] == '(') {
    std::size_t at = skip_space(text, open + 1);
    for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\';   // the value is a string: the text was parsed
    cut.end = skip_space(text, at + 1) + 1;
  }
  std::size_t line_begin = cut.begin, line_end = cut.end;
  while (line_begin > 0 && is_blank(text[line_begin - 1])) --line_begin;
  while (line_end < text.size() && (is_blank(text[line_end]) || text[line_end] == '\r')) ++line_end;
  const bool begins_line = line_begin == 0 || text[line_begin - 1] == '\n';
  const bool ends_line = line_end == text.size() || text[line_end] == '\n';
  if (begins_line && ends_line) return {file, line_begin, std::min(line_end + 1, text.size())};
  while (cut.end < text.size() && is_blank(text[cut.end])) ++cut.end;
  return cut;
}

}  // namespace

Result<BundleFiles, std::string> without_shadow(const BundleFiles& files, std::string_view id) {
  std::optional<Cut> cut;
  bool is_enforced = false;
  for (const auto& [name, text] : files) {
    if (!name.ends_with(".cedar")) continue;
    const auto parsed = cedar::parse_policies(text);
    if (!parsed) return unexpected("`" + name + "` is no Cedar text: " + parsed.error().summary());
    for (const auto& policy : parsed->policies) {
      const auto named = policy.annotation("id");
      const std::string known = named && !named->empty() ? std::string(*named) : name + ":" + std::to_string(cedar::locate(parsed->source->text, policy.span.begin).line);
      if (known != id) continue;
      const cedar::ast::Annotation* shadow = nullptr;
      for (const auto& annotation : policy.annotations) {
        if (annotation.key.text == kShadow) shadow = &annotation;
      }
      if (!shadow) {
        is_enforced = true;
        continue;
      }
      if (cut) return unexpected("several policies stand at `" + std::string(id) + "`: give each an `@id`");
      cut = cut_of(name, parsed->source->text, shadow->key.span.begin, shadow->key.span.end);
    }
  }
  if (!cut) {
    return unexpected(is_enforced ? "policy `" + std::string(id) + "` is enforced already: it has no `@shadow`"
                                  : "there is no policy `" + std::string(id) + "`: name it by its `@id`, or by file and line as in policies/prod.cedar:12");
  }
  BundleFiles changed = files;
  changed.at(cut->file).erase(cut->begin, cut->end - cut->begin);
  return changed;
}

}  // namespace writ::policy
