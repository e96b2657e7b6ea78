#include "cedar/parser.h"

#include <array>
#include <variant>
#include <vector>

#include "cedar/parser_expression.h"
#include "cedar/unique_keys.h"

// The policy half of the parser (language reference §2, §3).

namespace writ::cedar {

namespace {

using ast::ActionConstraint;
using ast::ScopeConstraint;

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

class PolicyParser {
 public:
  PolicyParser(TokenStream& tokens, Arena& arena) : tokens_(tokens), arena_(arena), expressions_(tokens, arena) {}

  Parsed<ast::Policy> policy() {
    const Span begin = tokens_.current().span;
    ast::Policy policy;
    policy.annotations = TRY(annotations());
    policy.effect = TRY(effect());
    TRY(tokens_.expect(TokenKind::left_paren, "`(`"));
    policy.principal = TRY(scope("principal"));
    TRY(tokens_.expect(TokenKind::comma, "`,` and then `action`"));
    policy.action = TRY(action());
    TRY(tokens_.expect(TokenKind::comma, "`,` and then `resource`"));
    policy.resource = TRY(scope("resource"));
    tokens_.take_if(TokenKind::comma);
    TRY(tokens_.expect(TokenKind::right_paren, "`)`"));
    policy.clauses = TRY(clauses());
    TRY(tokens_.expect(TokenKind::semicolon, "`when`, `unless` or `;`"));
    policy.span = tokens_.since(begin);
    return policy;
  }

 private:
  Parsed<std::span<const ast::Annotation>> annotations() {
    std::vector<ast::Annotation> all;
    while (tokens_.take_if(TokenKind::at)) {
      const Token key = TRY(tokens_.expect(TokenKind::identifier, "an annotation's name after `@`"));
      ast::Annotation annotation{{key.text, key.span}, std::nullopt};
      if (tokens_.take_if(TokenKind::left_paren)) {
        const Token value = TRY(tokens_.expect(TokenKind::string, "the annotation's value in quotes"));
        annotation.value = TRY(tokens_.keep(unescape(tokens_.text(), value, arena_)));
        TRY(tokens_.expect(TokenKind::right_paren, "`)`"));
      }
      all.push_back(annotation);
    }
    if (const auto repeated = find_repeated_key(all, [](const ast::Annotation& annotation) { return annotation.key.text; }))
      return tokens_.fail(all[*repeated].key.span, "the annotation `@" + std::string(all[*repeated].key.text) + "` stands twice on this policy");
    return arena_.copy(all);
  }

  Parsed<ast::Effect> effect() {
    if (tokens_.take_word_if("permit")) return ast::Effect::permit;
    if (tokens_.take_word_if("forbid")) return ast::Effect::forbid;
    static constexpr std::array<std::string_view, 2> kEffects{"permit", "forbid"};
    const Token& found = tokens_.current();
    if (found.is(TokenKind::identifier))
      return tokens_.fail(found.span, "expected `permit` or `forbid`, found " + describe(found), did_you_mean(found.text, kEffects));
    return tokens_.fail_expecting("`permit` or `forbid`");
  }

  Parsed<ScopeConstraint> scope(std::string_view variable) {
    using Form = ScopeConstraint::Form;
    TRY(expect_variable(variable));
    ScopeConstraint constraint;
    if (tokens_.take_if(TokenKind::equal_equal)) {
      constraint.form = Form::equal;
      TRY(entity_or_slot(variable, constraint));
    } else if (tokens_.take_word_if("in")) {
      constraint.form = Form::in;
      TRY(entity_or_slot(variable, constraint));
    } else if (tokens_.take_word_if("is")) {
      constraint.type = TRY(expressions_.type_name());
      constraint.form = tokens_.take_word_if("in") ? Form::is_in : Form::is;
      if (constraint.form == Form::is_in) TRY(entity_or_slot(variable, constraint));
    } else if (!tokens_.current().is(TokenKind::comma) && !tokens_.current().is(TokenKind::right_paren)) {
      return tokens_.fail(tokens_.current().span, quoted(variable) + " may be followed by `==`, `in` or `is` in the scope, found " + describe(tokens_.current()),
                          tokens_.current().is(TokenKind::equal) ? "did you mean `==`?" : "other conditions go into `when { … }`");
    }
    return constraint;
  }

  Parsed<std::monostate> expect_variable(std::string_view variable) {
    if (tokens_.take_word_if(variable)) return std::monostate{};
    return tokens_.fail(tokens_.current().span, "expected " + quoted(variable) + ", found " + describe(tokens_.current()),
                        "the scope is `(principal, action, resource)`, in this order");
  }

  Parsed<std::monostate> entity_or_slot(std::string_view variable, ScopeConstraint& constraint) {
    const std::size_t parentheses = open_parentheses();
    constraint.entity_span = tokens_.current().span;
    if (tokens_.current().is(TokenKind::slot)) {
      const Token slot = tokens_.take();
      if (slot.text.substr(1) != variable)
        return tokens_.fail(slot.span, quoted(slot.text) + " may not stand here", "did you mean `?" + std::string(variable) + "`?");
      constraint.has_slot = true;
    } else {
      constraint.entity = TRY(entity(constraint.entity_span));
    }
    return close_parentheses(parentheses);
  }

  Parsed<ActionConstraint> action() {
    using Form = ActionConstraint::Form;
    TRY(expect_variable("action"));
    ActionConstraint constraint;
    std::vector<ActionConstraint::Listed> entities;
    if (tokens_.take_if(TokenKind::equal_equal)) {
      constraint.form = Form::equal;
      const std::size_t parentheses = open_parentheses();
      entities.push_back(TRY(action_entity()));
      TRY(close_parentheses(parentheses));
    } else if (tokens_.take_word_if("in")) {
      constraint.form = Form::in;
      const std::size_t parentheses = open_parentheses();
      constraint.is_list = tokens_.current().is(TokenKind::left_bracket);
      if (constraint.is_list) {
        TRY(action_list(entities));
      } else {
        entities.push_back(TRY(action_entity()));
      }
      TRY(close_parentheses(parentheses));
    } else if (tokens_.current().is_word("is")) {
      return tokens_.fail(tokens_.current().span, "`is` is not allowed for `action`; only `==` and `in` are");
    } else if (!tokens_.current().is(TokenKind::comma) && !tokens_.current().is(TokenKind::right_paren)) {
      return tokens_.fail(tokens_.current().span, "`action` may be followed by `==` or `in` in the scope, found " + describe(tokens_.current()));
    }
    constraint.entities = arena_.copy(entities);
    return constraint;
  }

  Parsed<std::monostate> action_list(std::vector<ActionConstraint::Listed>& entities) {
    tokens_.take();
    while (!tokens_.current().is(TokenKind::right_bracket)) {
      const std::size_t parentheses = open_parentheses();
      entities.push_back(TRY(action_entity()));
      TRY(close_parentheses(parentheses));
      if (!tokens_.take_if(TokenKind::comma)) break;
    }
    TRY(tokens_.expect(TokenKind::right_bracket, "`,` or `]`"));
    return std::monostate{};
  }

  Parsed<ActionConstraint::Listed> action_entity() {
    ActionConstraint::Listed listed{nullptr, tokens_.current().span};
    listed.entity = TRY(entity(listed.span));
    if (!listed.entity->is_action())
      return tokens_.fail(listed.span, quoted(listed.entity->to_string()) + " is no action: its type must be `Action`, or end in `::Action`");
    return listed;
  }

  Parsed<const EntityUid*> entity(Span& span) {
    if (tokens_.current().is(TokenKind::slot)) return tokens_.fail(tokens_.current().span, "a slot may not stand here");
    if (!tokens_.current().is(TokenKind::identifier)) return tokens_.fail_expecting("an entity, as in `User::\"alice\"`");
    const auto path = TRY(expressions_.path());
    if (path.entity == nullptr) return tokens_.fail(path.name.span, quoted(path.name.text) + " is no entity; expected one, as in `User::\"alice\"`");
    span = path.name.span;
    return path.entity;
  }

  // Counted, not recursed into: their number is not bounded.
  std::size_t open_parentheses() {
    std::size_t count = 0;
    while (tokens_.take_if(TokenKind::left_paren)) ++count;
    return count;
  }
  Parsed<std::monostate> close_parentheses(std::size_t count) {
    for (; count > 0; --count) TRY(tokens_.expect(TokenKind::right_paren, "`)`"));
    return std::monostate{};
  }

  Parsed<std::span<const ast::Clause>> clauses() {
    std::vector<ast::Clause> all;
    while (tokens_.current().is_word("when") || tokens_.current().is_word("unless")) {
      const Token word = tokens_.take();
      TRY(tokens_.expect(TokenKind::left_brace, "`{`"));
      if (tokens_.current().is(TokenKind::right_brace)) return tokens_.fail(tokens_.current().span, "the braces of " + quoted(word.text) + " may not be empty");
      ast::Clause clause{word.text == "when" ? ast::Clause::Kind::when : ast::Clause::Kind::unless, TRY(expressions_.expression()), {}};
      TRY(tokens_.expect(TokenKind::right_brace, "`}`"));
      clause.span = tokens_.since(word.span);
      all.push_back(clause);
    }
    return arena_.copy(all);
  }

  TokenStream& tokens_;
  Arena& arena_;
  ExpressionParser expressions_;
};

Result<std::shared_ptr<ast::Source>, Message> make_source(std::string text) {
  if (text.size() > kTextBytesMax) return unexpected(message("the text is longer than 64 MiB"));
  auto source = std::make_shared<ast::Source>();
  source->text = std::move(text);
  return source;
}

}  // namespace

Result<ast::Policies, Message> parse_policies(std::string text) {
  const auto source = TRY(make_source(std::move(text)));
  TokenStream tokens(source->text);
  PolicyParser parser(tokens, source->arena);
  ast::Policies policies{source, {}};
  while (!tokens.current().is(TokenKind::end)) {
    auto policy = parser.policy();
    if (!policy) return unexpected(tokens.error());
    policies.policies.push_back(*policy);
  }
  return policies;
}

Result<ParsedExpression, Message> parse_expression(std::string text) {
  const auto source = TRY(make_source(std::move(text)));
  TokenStream tokens(source->text);
  ExpressionParser parser(tokens, source->arena);
  const auto expression = parser.expression();
  if (!expression) return unexpected(tokens.error());
  if (!tokens.current().is(TokenKind::end)) {
    (void)tokens.fail_expecting("the end of the expression");
    return unexpected(tokens.error());
  }
  return ParsedExpression{source, *expression};
}

}  // namespace writ::cedar
