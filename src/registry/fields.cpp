#include "registry/fields.h"

#include <algorithm>
#include <charconv>

namespace writ::registry {
namespace {

std::string quoted(std::string_view text) {
  // Messages go to terminals: what a stranger wrote must not move the cursor.
  std::string out = "`";
  for (const char letter : text.substr(0, 80)) out += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F ? '?' : letter;
  return out + (text.size() > 80 ? "…`" : "`");
}

std::string one_of(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + ("`" + words[i] + "`");
  return text;
}

}  // namespace

Fields::Fields(const Node& node, std::string_view what, Problems& problems) : node_(node), what_(what), problems_(problems) {
  if (node.kind != Node::Kind::mapping) {
    error(node.at, what_ + " must be a mapping of names to values, not " + std::string(registry::to_string(node.kind)));
  }
}

const Node* Fields::find(std::string_view name) {
  known_.emplace_back(name);
  const Node* node = node_.find(name);
  return node && node->kind != Node::Kind::null ? node : nullptr;
}

Position Fields::at(std::string_view name) const {
  const Node* node = node_.find(name);
  return node ? node->at : node_.at;
}

void Fields::wrong_type(std::string_view name, const Node& node, std::string_view wanted) {
  std::string message = "`" + std::string(name) + "` must be " + std::string(wanted) + ", not " + std::string(to_string(node.kind));
  if (node.kind != Node::Kind::text && node.kind != Node::Kind::list && node.kind != Node::Kind::mapping && wanted == "text") {
    message += ": write \"" + node.text + "\" in quotes";
  }
  if (wanted == "a list" && node.kind == Node::Kind::text) message += ": write [" + quoted(node.text).substr(1);
  if (wanted == "a list" && node.kind == Node::Kind::text) message.back() = ']';
  error(node.at, std::move(message));
}

std::string Fields::text(std::string_view name, std::string_view fallback) {
  const Node* node = find(name);
  if (!node) return std::string(fallback);
  if (node->kind != Node::Kind::text) return wrong_type(name, *node, "text"), std::string(fallback);
  // A NUL would end the text for a C library and not for us: two readers of one value.
  if (node->text.find('\0') != std::string::npos) return error(node->at, "`" + std::string(name) + "` holds a NUL byte"), std::string(fallback);
  return node->text;
}

std::string Fields::required_text(std::string_view name) {
  const Node* node = find(name);
  if (!node || (node->kind == Node::Kind::text && node->text.empty())) {
    if (node_.kind == Node::Kind::mapping) error(at(name), what_ + " needs `" + std::string(name) + "`");
    return {};
  }
  return text(name);
}

bool Fields::flag(std::string_view name, bool fallback) {
  const Node* node = find(name);
  if (!node) return fallback;
  if (node->kind != Node::Kind::boolean) return wrong_type(name, *node, "true or false"), fallback;
  return node->boolean;
}

std::int64_t Fields::integer(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  const Node* node = find(name);
  if (!node) return fallback;
  if (node->kind != Node::Kind::integer) return wrong_type(name, *node, "a whole number"), fallback;
  if (node->integer < min || node->integer > max) {
    error(node->at, "`" + std::string(name) + "` must be between " + std::to_string(min) + " and " + std::to_string(max) + ", not " + node->text);
    return fallback;
  }
  return node->integer;
}

Seconds Fields::duration(std::string_view name, Seconds fallback, Seconds min, Seconds max) {
  const Node* node = find(name);
  if (!node) return fallback;
  std::optional<Seconds> value;
  if (node->kind == Node::Kind::integer || node->kind == Node::Kind::text) value = parse_duration(node->text);
  if (!value) {
    error(node->at, "`" + std::string(name) + "` must be a duration such as 30s, 5m, 12h or 7d, not " + quoted(node->text));
    return fallback;
  }
  if (*value < min || *value > max) {
    error(node->at, "`" + std::string(name) + "` must be between " + std::to_string(min.count()) + "s and " + std::to_string(max.count()) +
                        "s, not " + quoted(node->text));
    return fallback;
  }
  return *value;
}

std::optional<Instant> Fields::instant(std::string_view name) {
  const Node* node = find(name);
  if (!node) return std::nullopt;
  const auto value = node->kind == Node::Kind::text ? parse_instant(node->text) : std::nullopt;
  if (!value) error(node->at, "`" + std::string(name) + "` must be a time in UTC such as 2026-11-24T16:45:00Z, not " + quoted(node->text));
  return value;
}

const std::vector<Node>& Fields::list(std::string_view name) {
  static const std::vector<Node> none;
  const Node* node = find(name);
  if (!node) return none;
  if (node->kind != Node::Kind::list) return wrong_type(name, *node, "a list"), none;
  return node->items;
}

std::vector<std::string> Fields::texts(std::string_view name) {
  std::vector<std::string> values;
  for (const Node& item : list(name)) {
    if (item.kind != Node::Kind::text || item.text.empty()) {
      wrong_type(name, item, "text");
    } else if (std::find(values.begin(), values.end(), item.text) != values.end()) {
      error(item.at, "`" + std::string(name) + "` names " + quoted(item.text) + " twice");
    } else {
      values.push_back(item.text);
    }
  }
  return values;
}

std::vector<std::string> Fields::texts_or_all(std::string_view name, bool& all) {
  const Node* node = find(name);
  all = node && node->kind == Node::Kind::text && node->text == "all";
  if (all || !node) return {};
  if (node->kind != Node::Kind::list) {
    error(node->at, "`" + std::string(name) + "` must be a list of names, or the word `all`, not " + std::string(to_string(node->kind)));
    return {};
  }
  for (const Node& item : node->items) {
    // Somebody who writes [all] or ["*"] means everyone; a list that contains a name which happens to mean everyone would be a trap.
    if (item.text == "all" || item.text == "*") {
      if (item.text == "*" && name == "tools") continue;
      error(item.at, "write `" + std::string(name) + ": all` for everyone, without brackets");
      return {};
    }
  }
  return texts(name);
}

void Fields::report_choice(std::string_view name, const Node& node, const std::vector<std::string>& words) {
  std::string message = "`" + std::string(name) + "` must be " + one_of(words);
  message += node.kind == Node::Kind::list || node.kind == Node::Kind::mapping ? ", not " + std::string(to_string(node.kind)) : ", not " + quoted(node.text);
  if (const std::string meant = nearest(node.text, words); !meant.empty()) message += "; did you mean `" + meant + "`?";
  error(node.at, std::move(message));
}

void Fields::finish() {
  for (const auto& entry : node_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.name) != known_.end()) continue;
    std::string message = "unknown key " + quoted(entry.name) + " in " + what_;
    if (const std::string meant = nearest(entry.name, known_); !meant.empty()) message += "; did you mean `" + meant + "`?";
    error(entry.at, std::move(message));
  }
}

std::optional<Seconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || number < 0 || number > 100'000'000) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.empty() || unit == "s") return Seconds{number};
  if (unit == "m") return Seconds{number * 60};
  if (unit == "h") return Seconds{number * 3600};
  if (unit == "d") return Seconds{number * 86400};
  return std::nullopt;
}

std::optional<Instant> parse_instant(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    for (std::size_t i = at; i < at + length; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2), hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (year < 0 || month < 0 || day < 0 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return std::nullopt;
  }
  int milliseconds = 0;
  if (text.size() > 20) {
    const std::size_t digits = text.size() - 21;
    if (text[19] != '.' || digits == 0 || digits > 9) return std::nullopt;
    for (std::size_t i = 0; i < 3; ++i) {
      const int digit = i < digits ? number(20 + i, 1) : 0;
      if (digit < 0) return std::nullopt;
      milliseconds = milliseconds * 10 + digit;
    }
    for (std::size_t i = 3; i < digits; ++i) {
      if (number(20 + i, 1) < 0) return std::nullopt;
    }
  }
  return Instant{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} + Seconds{second} + Milliseconds{milliseconds};
}

}  // namespace writ::registry
