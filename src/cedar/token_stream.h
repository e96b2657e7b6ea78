#pragma once

// What the parsers read from: the current token, the one after it, and the first error.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "cedar/lexer.h"
#include "cedar/message.h"

namespace writ::cedar {

// Says only that the stream holds a message: results stay small, and so do the frames of the recursive parser.
struct Failed {};
template <class T>
using Parsed = Result<T, Failed>;

class TokenStream {
 public:
  explicit TokenStream(std::string_view text, Dialect dialect = Dialect::policy) : lexer_(text, dialect) {
    current_ = lex();
    following_ = lex();
  }

  // A token that the lexer refuses is of kind `invalid`, which no rule accepts; the refusal is then the message.
  const Token& current() const { return current_; }
  const Token& following() const { return following_; }
  std::string_view text() const { return lexer_.text(); }

  Token take() {
    const Token taken = current_;
    last_end_ = taken.span.end;
    current_ = following_;
    following_ = lex();
    return taken;
  }
  bool take_if(TokenKind kind) { return current_.is(kind) ? (take(), true) : false; }
  bool take_word_if(std::string_view word) { return current_.is_word(word) ? (take(), true) : false; }

  Parsed<Token> expect(TokenKind kind, std::string_view what) {
    if (!current_.is(kind)) return fail_expecting(what);
    return take();
  }

  // From `begin` to the end of the token taken last.
  Span since(Span begin) const { return {begin.begin, last_end_}; }

  // "expected `)`, found `]`" at the current token.
  Unexpected<Failed> fail_expecting(std::string_view what) {
    return fail(current_.span, "expected " + std::string(what) + ", found " + describe(current_));
  }
  Unexpected<Failed> fail(Span span, std::string text, std::string suggestion = {}) {
    if (current_.is(TokenKind::invalid) && lexical_error_) return fail(*lexical_error_);
    return fail(message_at(lexer_.text(), span, std::move(text), std::move(suggestion)));
  }
  Unexpected<Failed> fail(Message message) {
    if (!error_) error_ = std::move(message);
    return unexpected(Failed{});
  }
  // Precondition: something failed.
  Message error() const { return *error_; }

  // Hands on a result that carries its own message.
  template <class T>
  Parsed<T> keep(Result<T, Message> result) {
    if (!result) return fail(std::move(result).error());
    return std::move(result).value();
  }

 private:
  Token lex() {
    // After an error the stream stands still: what follows a broken string means nothing.
    if (lexical_error_) return {TokenKind::invalid, {}, {}};
    auto token = lexer_.next();
    if (token) return *token;
    lexical_error_ = std::move(token).error();
    return {TokenKind::invalid, lexical_error_->span, {}};
  }

  Lexer lexer_;
  Token current_;
  Token following_;
  std::uint32_t last_end_ = 0;
  std::optional<Message> lexical_error_;
  std::optional<Message> error_;
};

}  // namespace writ::cedar
