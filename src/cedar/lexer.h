#pragma once

// Splits policy and schema text into tokens. The text must outlive them.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/arena.h"
#include "cedar/message.h"
#include "cedar/position.h"

namespace writ::cedar {

enum class TokenKind : std::uint8_t {
  end,
  invalid,      // see TokenStream
  identifier,   // reserved and contextual words too; compare `text`
  integer,
  string,       // with its quotes, escapes not yet resolved
  slot,         // ?principal
  at, dot, comma, semicolon, colon, colon_colon, question,
  left_paren, right_paren, left_brace, right_brace, left_bracket, right_bracket,
  equal_equal, not_equal, less, less_equal, greater, greater_equal,
  or_or, and_and, plus, minus, star, slash, percent, bang, equal,
};

struct Token {
  TokenKind kind = TokenKind::end;
  Span span;
  std::string_view text;   // as written; empty at the end of the text

  bool is(TokenKind other) const { return kind == other; }
  bool is_word(std::string_view word) const { return kind == TokenKind::identifier && text == word; }
};

// The two languages differ in what `?` means.
enum class Dialect : std::uint8_t {
  policy,   // `?principal` is one token
  schema,   // `?` is a token of its own
};

class Lexer {
 public:
  explicit Lexer(std::string_view text, Dialect dialect = Dialect::policy) : text_(text), dialect_(dialect) {}

  // The next token, after white space and comments; at the end of the text TokenKind::end for ever.
  // A token that the text breaks (an open string, an unknown character, invalid UTF-8) is an error.
  Result<Token, Message> next();
  std::string_view text() const { return text_; }

 private:
  void skip_space();
  Result<Token, Message> punctuation();
  Result<Token, Message> string();
  Token token(TokenKind kind, std::size_t begin);
  Message error(std::size_t begin, std::size_t end, std::string text) const;

  std::string_view text_;
  Dialect dialect_;
  std::size_t at_ = 0;
};

// How a token is called in a message: "`when`", "a string", "the end of the text".
std::string describe(const Token& token);

// The text that a string token means, escapes resolved. It borrows from the token where it can, else from `arena`.
Result<std::string_view, Message> unescape(std::string_view source, const Token& string, Arena& arena);

// A piece of the right side of `like`.
struct PatternPiece {
  bool is_wildcard = false;
  std::string_view literal;   // empty for a wildcard
  friend bool operator==(const PatternPiece&, const PatternPiece&) = default;
};
// `\*` is a star; every other star, `\u{2a}` too, is a wildcard.
Result<std::span<const PatternPiece>, Message> unescape_pattern(std::string_view source, const Token& string, Arena& arena);

// `text` with quotes and escapes, as it is written in a policy or schema.
std::string quote(std::string_view text);

}  // namespace writ::cedar
