#include "cedar/parser_expression.h"

#include <array>
#include <algorithm>
#include <vector>

#include "cedar/unique_keys.h"

namespace writ::cedar {

using ast::BinaryOperator;
using ast::Function;

namespace {

constexpr int kRepeatedUnaryMax = 4;
constexpr std::array<std::string_view, 4> kVariables{"principal", "action", "resource", "context"};

bool is_relational(const Token& token) {
  switch (token.kind) {
    case TokenKind::equal_equal:
    case TokenKind::not_equal:
    case TokenKind::less:
    case TokenKind::less_equal:
    case TokenKind::greater:
    case TokenKind::greater_equal: return true;
    default: return token.is_word("in") || token.is_word("has") || token.is_word("like") || token.is_word("is");
  }
}

std::optional<BinaryOperator> comparison(const Token& token) {
  switch (token.kind) {
    case TokenKind::equal_equal: return BinaryOperator::equal;
    case TokenKind::not_equal: return BinaryOperator::not_equal;
    case TokenKind::less: return BinaryOperator::less;
    case TokenKind::less_equal: return BinaryOperator::less_equal;
    case TokenKind::greater: return BinaryOperator::greater;
    case TokenKind::greater_equal: return BinaryOperator::greater_equal;
    default: return token.is_word("in") ? std::optional(BinaryOperator::in) : std::nullopt;
  }
}

// What may follow a literal and then makes a minus before it an operator of its own: `-5.x` negates `5.x`.
bool is_access(const Token& token) { return token.is(TokenKind::dot) || token.is(TokenKind::left_bracket); }

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// `(a && b) && c` and `a && b && c` are one tree.
template <class Chain>
void append_operand(std::vector<const ast::Expression*>& operands, const ast::Expression* operand) {
  const auto* chain = operand->as<Chain>();
  if (operands.empty() && chain != nullptr) {
    operands.assign(chain->operands.begin(), chain->operands.end());
  } else {
    operands.push_back(operand);
  }
}

}  // namespace

Unexpected<Failed> ExpressionParser::too_deep(Span span) {
  return tokens_.fail(span, "this is nested too deeply (at most " + std::to_string(ast::kDepthMax) + " levels)");
}

Parsed<const ast::Expression*> ExpressionParser::make(ast::Expression::Node node, Span span) {
  const ast::Expression* made = ast::make(arena_, node, span);
  if (made == nullptr) return too_deep(span);
  return made;
}

Parsed<const ast::Expression*> ExpressionParser::expression() {
  // Every recursion of the grammar passes here.
  if (depth_ == ast::kDepthMax) return too_deep(tokens_.current().span);
  ++depth_;
  auto parsed = tokens_.current().is_word("if") ? conditional() : disjunction();
  --depth_;
  return parsed;
}

Parsed<const ast::Expression*> ExpressionParser::conditional() {
  const Span begin = tokens_.take().span;
  const Expression condition = TRY(expression());
  if (!tokens_.take_word_if("then")) return tokens_.fail_expecting("`then`");
  const Expression then = TRY(expression());
  if (!tokens_.take_word_if("else")) return tokens_.fail_expecting("`else`");
  const Expression otherwise = TRY(expression());
  return make(ast::If{condition, then, otherwise}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::disjunction() {
  const Span begin = tokens_.current().span;
  const Expression first = TRY(conjunction());
  if (!tokens_.current().is(TokenKind::or_or)) return first;
  std::vector<Expression> operands;
  append_operand<ast::Or>(operands, first);
  while (tokens_.take_if(TokenKind::or_or)) operands.push_back(TRY(conjunction()));
  return make(ast::Or{arena_.copy(operands)}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::conjunction() {
  const Span begin = tokens_.current().span;
  const Expression first = TRY(relation());
  if (!tokens_.current().is(TokenKind::and_and)) return first;
  std::vector<Expression> operands;
  append_operand<ast::And>(operands, first);
  while (tokens_.take_if(TokenKind::and_and)) operands.push_back(TRY(relation()));
  return make(ast::And{arena_.copy(operands)}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::relation() {
  const Span begin = tokens_.current().span;
  Expression left = TRY(sum());
  if (const auto op = comparison(tokens_.current())) {
    tokens_.take();
    const Expression right = TRY(sum());
    left = TRY(make(ast::Binary{*op, left, right}, tokens_.since(begin)));
  } else if (tokens_.take_word_if("has")) {
    left = TRY(has(left, begin));
  } else if (tokens_.take_word_if("like")) {
    left = TRY(like(left, begin));
  } else if (tokens_.take_word_if("is")) {
    left = TRY(is(left, begin));
  } else {
    if (tokens_.current().is(TokenKind::equal)) return tokens_.fail(tokens_.current().span, "`=` is no operator", "did you mean `==`?");
    return left;
  }
  if (is_relational(tokens_.current()))
    return tokens_.fail(tokens_.current().span, quoted(tokens_.current().text) + " cannot follow another comparison; use parentheses");
  return left;
}

Parsed<const ast::Expression*> ExpressionParser::has(Expression object, Span begin) {
  std::vector<ast::Name> path;
  if (tokens_.current().is(TokenKind::string)) {
    const Token string = tokens_.take();
    path.push_back({TRY(tokens_.keep(unescape(tokens_.text(), string, arena_))), string.span});
  } else {
    do {
      path.push_back(TRY(plain_name("an attribute name or a string after `has`")));
    } while (tokens_.take_if(TokenKind::dot));
  }
  // `has a.b` stands for as many tests, each a level deeper than the last.
  if (path.size() + object->depth > ast::kDepthMax) return too_deep(tokens_.since(begin));
  return make(ast::Has{object, arena_.copy(path)}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::like(Expression operand, Span begin) {
  const Token string = TRY(tokens_.expect(TokenKind::string, "a pattern in quotes after `like`"));
  const auto pattern = TRY(tokens_.keep(unescape_pattern(tokens_.text(), string, arena_)));
  return make(ast::Like{operand, pattern}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::is(Expression operand, Span begin) {
  const ast::Name* type = TRY(type_name());
  const Expression in = tokens_.take_word_if("in") ? TRY(sum()) : nullptr;
  return make(ast::Is{operand, type, in}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::sum() {
  const Span begin = tokens_.current().span;
  Expression left = TRY(product());
  for (;;) {
    const bool is_plus = tokens_.current().is(TokenKind::plus);
    if (!is_plus && !tokens_.current().is(TokenKind::minus)) return left;
    tokens_.take();
    const Expression right = TRY(product());
    left = TRY(make(ast::Binary{is_plus ? BinaryOperator::add : BinaryOperator::subtract, left, right}, tokens_.since(begin)));
  }
}

Parsed<const ast::Expression*> ExpressionParser::product() {
  const Span begin = tokens_.current().span;
  Expression left = TRY(unary());
  for (;;) {
    if (tokens_.current().is(TokenKind::slash) || tokens_.current().is(TokenKind::percent))
      return tokens_.fail(tokens_.current().span, quoted(tokens_.current().text) + " is no operator of Cedar, which has only `+`, `-` and `*`");
    if (!tokens_.take_if(TokenKind::star)) return left;
    const Expression right = TRY(unary());
    left = TRY(make(ast::Binary{BinaryOperator::multiply, left, right}, tokens_.since(begin)));
  }
}

Parsed<const ast::Expression*> ExpressionParser::unary() {
  const TokenKind kind = tokens_.current().kind;
  if (kind != TokenKind::bang && kind != TokenKind::minus) return member();
  std::array<Span, kRepeatedUnaryMax> operators;
  std::size_t count = 0;
  while (tokens_.current().is(kind)) {
    if (count == operators.size())
      return tokens_.fail(tokens_.current().span, "at most four " + quoted(tokens_.current().text) + " may stand in a row");
    operators[count++] = tokens_.take().span;
  }
  if (tokens_.current().is(TokenKind::bang) || tokens_.current().is(TokenKind::minus))
    return tokens_.fail(tokens_.current().span, "`!` and `-` cannot be mixed; use parentheses");
  const bool is_literal = kind == TokenKind::minus && tokens_.current().is(TokenKind::integer) && !is_access(tokens_.following());
  Expression operand = is_literal ? TRY(negative_literal(operators[--count])) : TRY(member());
  const auto op = kind == TokenKind::bang ? ast::UnaryOperator::not_ : ast::UnaryOperator::negate;
  while (count > 0) operand = TRY(make(ast::Unary{op, operand}, tokens_.since(operators[--count])));
  return operand;
}

// The innermost minus belongs to the literal, which can so be the smallest Long.
Parsed<const ast::Expression*> ExpressionParser::negative_literal(Span minus) {
  const Token digits = tokens_.take();
  std::int64_t value = 0;
  for (const char c : digits.text)
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, c - '0', &value))
      return tokens_.fail(tokens_.since(minus), "`-" + std::string(digits.text) + "` is smaller than the smallest Long");
  return make(ast::Long{value}, tokens_.since(minus));
}

Parsed<const ast::Expression*> ExpressionParser::member() {
  const Span begin = tokens_.current().span;
  Expression object = TRY(primary());
  for (;;) {
    if (tokens_.take_if(TokenKind::dot)) {
      object = TRY(dotted(object, begin));
    } else if (tokens_.take_if(TokenKind::left_bracket)) {
      object = TRY(indexed(object, begin));
    } else {
      return object;
    }
  }
}

Parsed<const ast::Expression*> ExpressionParser::dotted(Expression object, Span begin) {
  const bool is_call = tokens_.following().is(TokenKind::left_paren);
  if (is_call && tokens_.current().is(TokenKind::identifier)) {
    const Token name = tokens_.take();
    return method(object, name, begin);
  }
  const ast::Name name = TRY(plain_name("an attribute name after `.`"));
  return make(ast::Attribute{object, name}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::method(Expression object, const Token& name, Span begin) {
  static constexpr std::array<std::string_view, 6> kBuiltIn{"contains", "containsAll", "containsAny", "hasTag", "getTag", "isEmpty"};
  static constexpr std::array kBuiltInOperators{BinaryOperator::contains, BinaryOperator::contains_all, BinaryOperator::contains_any,
                                                BinaryOperator::has_tag, BinaryOperator::get_tag};
  const std::size_t built_in = static_cast<std::size_t>(std::find(kBuiltIn.begin(), kBuiltIn.end(), name.text) - kBuiltIn.begin());
  const auto function = ast::find_function(name.text);
  if (built_in == kBuiltIn.size() && (!function || ast::is_constructor(*function))) {
    if (function) return tokens_.fail(name.span, quoted(name.text) + " is a function, no method", "write `" + std::string(name.text) + "(…)`");
    std::vector<std::string_view> known(kBuiltIn.begin(), kBuiltIn.end());
    for (auto f = Function::less_than; f <= Function::to_days; f = static_cast<Function>(static_cast<int>(f) + 1)) known.push_back(to_string(f));
    return tokens_.fail(name.span, "unknown method " + quoted(name.text), did_you_mean(name.text, known));
  }
  tokens_.take();   // the parenthesis that the caller saw
  const ast::Operands given = TRY(arguments(TokenKind::right_paren, "`)`"));
  if (built_in == kBuiltIn.size()) {
    // The number of arguments is left to validation and evaluation, as in Cedar.
    std::vector<Expression> all{object};
    all.insert(all.end(), given.begin(), given.end());
    return make(ast::Call{*function, arena_.copy(all)}, tokens_.since(begin));
  }
  const bool is_empty = name.text == "isEmpty";
  if (given.size() != (is_empty ? 0 : 1))
    return tokens_.fail(tokens_.since(name.span), quoted(name.text) + (is_empty ? " takes no argument" : " takes one argument"));
  if (is_empty) return make(ast::Unary{ast::UnaryOperator::is_empty, object}, tokens_.since(begin));
  return make(ast::Binary{kBuiltInOperators[built_in], object, given[0]}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::indexed(Expression object, Span begin) {
  const Token string = TRY(tokens_.expect(TokenKind::string, "an attribute name in quotes"));
  const std::string_view name = TRY(tokens_.keep(unescape(tokens_.text(), string, arena_)));
  TRY(tokens_.expect(TokenKind::right_bracket, "`]`"));
  return make(ast::Attribute{object, {name, string.span}}, tokens_.since(begin));
}

Parsed<const ast::Expression*> ExpressionParser::primary() {
  const Token token = tokens_.current();
  switch (token.kind) {
    case TokenKind::identifier: return word();
    case TokenKind::integer: return integer();
    case TokenKind::string: {
      tokens_.take();
      const std::string_view value = TRY(tokens_.keep(unescape(tokens_.text(), token, arena_)));
      return make(ast::String{value}, token.span);
    }
    case TokenKind::left_paren: {
      tokens_.take();
      const Expression inner = TRY(expression());
      TRY(tokens_.expect(TokenKind::right_paren, "`)`"));
      return inner;
    }
    case TokenKind::left_bracket: {
      tokens_.take();
      const ast::Operands elements = TRY(arguments(TokenKind::right_bracket, "`]`"));
      return make(ast::Set{elements}, tokens_.since(token.span));
    }
    case TokenKind::left_brace: return record();
    case TokenKind::slot: return tokens_.fail(token.span, "a slot may stand only in the scope of a template, not in a condition");
    default: return tokens_.fail_expecting("an expression");
  }
}

Parsed<const ast::Expression*> ExpressionParser::word() {
  const Token token = tokens_.current();
  if (token.text == "true" || token.text == "false") {
    tokens_.take();
    return make(ast::Bool{token.text == "true"}, token.span);
  }
  if (token.text == "if") return tokens_.fail(token.span, "`if` must stand in parentheses here");
  const Path path = TRY(this->path());
  if (path.entity != nullptr) return make(ast::Entity{path.entity}, path.name.span);
  if (tokens_.current().is(TokenKind::left_paren)) return function(path.name);
  const auto variable = std::find(kVariables.begin(), kVariables.end(), path.name.text);
  if (path.is_single && variable != kVariables.end())
    return make(ast::VariableReference{static_cast<ast::Variable>(variable - kVariables.begin())}, path.name.span);
  std::string suggestion = did_you_mean(path.name.text, kVariables);
  if (suggestion.empty()) suggestion = "a string is written in quotes, an entity `Type::\"id\"`";
  return tokens_.fail(path.name.span, quoted(path.name.text) + " is no variable", std::move(suggestion));
}

Parsed<const ast::Expression*> ExpressionParser::function(const ast::Name& name) {
  const auto function = ast::find_function(name.text);
  if (!function || !ast::is_constructor(*function)) {
    if (function) return tokens_.fail(name.span, quoted(name.text) + " is a method", "write `x." + std::string(name.text) + "(…)`");
    static constexpr std::array<std::string_view, 4> kKnown{"ip", "decimal", "datetime", "duration"};
    return tokens_.fail(name.span, "unknown function " + quoted(name.text), did_you_mean(name.text, kKnown));
  }
  tokens_.take();
  const ast::Operands given = TRY(arguments(TokenKind::right_paren, "`)`"));
  return make(ast::Call{*function, given}, tokens_.since(name.span));
}

Parsed<const ast::Expression*> ExpressionParser::integer() {
  const Token digits = tokens_.take();
  std::int64_t value = 0;
  for (const char c : digits.text)
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value))
      return tokens_.fail(digits.span, quoted(digits.text) + " is larger than the largest Long, 9223372036854775807");
  if (tokens_.current().is(TokenKind::dot) && tokens_.following().is(TokenKind::integer))
    return tokens_.fail(tokens_.current().span, "a number has no fraction", "write `decimal(\"…\")`");
  return make(ast::Long{value}, digits.span);
}

Parsed<const ast::Expression*> ExpressionParser::record() {
  const Span begin = tokens_.take().span;
  std::vector<ast::Field> fields;
  while (!tokens_.current().is(TokenKind::right_brace)) {
    ast::Name key;
    if (tokens_.current().is(TokenKind::string)) {
      const Token string = tokens_.take();
      key = {TRY(tokens_.keep(unescape(tokens_.text(), string, arena_))), string.span};
    } else {
      key = TRY(plain_name("a key"));
    }
    TRY(tokens_.expect(TokenKind::colon, "`:`"));
    fields.push_back({key, TRY(expression())});
    if (!tokens_.take_if(TokenKind::comma)) break;
  }
  TRY(tokens_.expect(TokenKind::right_brace, "`,` or `}`"));
  if (const auto repeated = find_repeated_key(fields, [](const ast::Field& field) { return field.key.text; }))
    return tokens_.fail(fields[*repeated].key.span, "the key " + quoted(fields[*repeated].key.text) + " stands twice in this record");
  return make(ast::Record{arena_.copy(fields)}, tokens_.since(begin));
}

// Expressions up to the closing token, a comma after the last one allowed.
Parsed<ast::Operands> ExpressionParser::arguments(TokenKind close, std::string_view what) {
  std::vector<Expression> all;
  while (!tokens_.current().is(close)) {
    all.push_back(TRY(expression()));
    if (!tokens_.take_if(TokenKind::comma)) break;
  }
  TRY(tokens_.expect(close, "`,` or " + std::string(what)));
  return arena_.copy(all);
}

Parsed<ast::Name> ExpressionParser::plain_name(std::string_view what) {
  const Token token = tokens_.current();
  if (!token.is(TokenKind::identifier)) return tokens_.fail_expecting(what);
  if (!is_plain_name(token.text))
    return tokens_.fail(token.span, quoted(token.text) + " is a reserved word; expected " + std::string(what), "an attribute of this name is written in quotes");
  tokens_.take();
  return ast::Name{token.text, token.span};
}

Parsed<ExpressionParser::Path> ExpressionParser::path() {
  const auto component = [this]() -> Parsed<Token> {
    const Token token = tokens_.current();
    if (!token.is(TokenKind::identifier)) return tokens_.fail_expecting("a name");
    if (!is_plain_name(token.text)) return tokens_.fail(token.span, quoted(token.text) + " is a reserved word and cannot be a name");
    return tokens_.take();
  };
  const Token first = TRY(component());
  Path path{{first.text, first.span}, nullptr, true};
  std::string spelled;   // only when spaces stand around `::`
  while (tokens_.current().is(TokenKind::colon_colon)) {
    const Token colons = tokens_.take();
    const bool is_tight = path.name.span.end == colons.span.begin && colons.span.end == tokens_.current().span.begin;
    if (tokens_.current().is(TokenKind::string)) {
      const Token string = tokens_.take();
      const std::string_view id = TRY(tokens_.keep(unescape(tokens_.text(), string, arena_)));
      path.entity = arena_.make<EntityUid>(path.name.text, id);
      path.name.span = tokens_.since(first.span);
      return path;
    }
    const Token next = TRY(component());
    path.is_single = false;
    path.name.span = tokens_.since(first.span);
    if (spelled.empty() && is_tight) {
      path.name.text = tokens_.text().substr(first.span.begin, next.span.end - first.span.begin);
    } else {
      if (spelled.empty()) spelled = path.name.text;
      spelled += "::" + std::string(next.text);
      path.name.text = arena_.copy(spelled);
    }
  }
  return path;
}

Parsed<const ast::Name*> ExpressionParser::type_name() {
  const Path path = TRY(this->path());
  if (path.entity != nullptr) return tokens_.fail(path.name.span, "expected a type name, found an entity");
  return arena_.make<ast::Name>(path.name);
}

}  // namespace writ::cedar
