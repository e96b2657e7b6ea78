#include "cedar/lexer.h"

#include <algorithm>
#include <array>

#include "encoding/utf8.h"

namespace writ::cedar {

namespace {

bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Unicode White_Space beyond ASCII. The byte-order mark and the zero-width space are not among them.
std::size_t length_of_wide_space(std::string_view text) {
  static constexpr std::array<std::string_view, 8> kSpaces{"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\xA8",
                                                           "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
  for (const std::string_view space : kSpaces)
    if (text.starts_with(space)) return space.size();
  const bool is_general_space = text.size() >= 3 && text.starts_with("\xE2\x80") && static_cast<unsigned char>(text[2]) <= 0x8A;
  return is_general_space ? 3 : 0;   // U+2000 to U+200A
}

std::string show(std::string_view text) { return "`" + std::string(text) + "`"; }

}  // namespace

Message Lexer::error(std::size_t begin, std::size_t end, std::string text) const {
  return message_at(text_, {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)}, std::move(text));
}

Token Lexer::token(TokenKind kind, std::size_t begin) {
  return {kind, {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_)}, text_.substr(begin, at_ - begin)};
}

void Lexer::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      ++at_;
    } else if (c == '/' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      const std::size_t length = length_of_wide_space(text_.substr(at_));
      if (length == 0) break;
      at_ += length;
    } else {
      break;
    }
  }
}

Result<Token, Message> Lexer::next() {
  skip_space();
  const std::size_t begin = at_;
  if (begin == text_.size()) return token(TokenKind::end, begin);
  const char c = text_[begin];
  if (is_word_start(c)) {
    while (at_ < text_.size() && (is_word_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
    return token(TokenKind::identifier, begin);
  }
  if (is_digit(c)) {
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return token(TokenKind::integer, begin);
  }
  if (c == '"') return string();
  if (c == '?' && dialect_ == Dialect::policy) {
    ++at_;
    while (at_ < text_.size() && (is_word_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
    if (at_ - begin < 2 || is_digit(text_[begin + 1]))
      return unexpected(error(begin, at_, "a slot is written `?principal` or `?resource`"));
    return token(TokenKind::slot, begin);
  }
  return punctuation();
}

Result<Token, Message> Lexer::punctuation() {
  const std::size_t begin = at_;
  const char c = text_[begin];
  const char following = begin + 1 < text_.size() ? text_[begin + 1] : '\0';
  const auto one = [&](TokenKind kind) { return at_ = begin + 1, token(kind, begin); };
  const auto two = [&](TokenKind kind) { return at_ = begin + 2, token(kind, begin); };
  switch (c) {
    case '@': return one(TokenKind::at);
    case '.': return one(TokenKind::dot);
    case ',': return one(TokenKind::comma);
    case ';': return one(TokenKind::semicolon);
    case ':': return following == ':' ? two(TokenKind::colon_colon) : one(TokenKind::colon);
    case '?': return one(TokenKind::question);
    case '(': return one(TokenKind::left_paren);
    case ')': return one(TokenKind::right_paren);
    case '{': return one(TokenKind::left_brace);
    case '}': return one(TokenKind::right_brace);
    case '[': return one(TokenKind::left_bracket);
    case ']': return one(TokenKind::right_bracket);
    case '=': return following == '=' ? two(TokenKind::equal_equal) : one(TokenKind::equal);
    case '!': return following == '=' ? two(TokenKind::not_equal) : one(TokenKind::bang);
    case '<': return following == '=' ? two(TokenKind::less_equal) : one(TokenKind::less);
    case '>': return following == '=' ? two(TokenKind::greater_equal) : one(TokenKind::greater);
    case '+': return one(TokenKind::plus);
    case '-': return one(TokenKind::minus);
    case '*': return one(TokenKind::star);
    case '/': return one(TokenKind::slash);
    case '%': return one(TokenKind::percent);
    case '|':
      if (following == '|') return two(TokenKind::or_or);
      return unexpected(error(begin, begin + 1, "`|` is no operator, `||` is"));
    case '&':
      if (following == '&') return two(TokenKind::and_and);
      return unexpected(error(begin, begin + 1, "`&` is no operator, `&&` is"));
    case '\'': return unexpected(error(begin, begin + 1, "a string is written in double quotes"));
    default: break;
  }
  const std::size_t length = utf8::length_of_first(text_.substr(begin));
  if (length == 0) return unexpected(error(begin, begin + 1, "the text is not valid UTF-8"));
  if (text_.substr(begin, length) == "\xEF\xBB\xBF") return unexpected(error(begin, begin + 3, "a byte-order mark is not allowed"));
  return unexpected(error(begin, begin + length, "unexpected character " + show(text_.substr(begin, length))));
}

Result<Token, Message> Lexer::string() {
  const std::size_t begin = at_;
  bool is_ascii = true;
  for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    is_ascii = is_ascii && static_cast<unsigned char>(text_[at_]) < 0x80;
    if (text_[at_] != '\\') continue;
    ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') return unexpected(error(at_ - 1, at_, "a backslash may not end a line"));
  }
  if (at_ >= text_.size()) {
    at_ = text_.size();
    return unexpected(error(begin, begin + 1, "this string has no closing quote"));
  }
  ++at_;
  if (!is_ascii && !utf8::is_valid(text_.substr(begin, at_ - begin)))
    return unexpected(error(begin, at_, "the text is not valid UTF-8"));
  return token(TokenKind::string, begin);
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "the end of the text";
    case TokenKind::string: return token.text.size() <= 40 ? show(token.text) : "a string";
    default: return show(token.text);
  }
}

}  // namespace writ::cedar
