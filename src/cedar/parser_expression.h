#pragma once

// The expression half of the parser (language reference §2).

#include <span>
#include <string_view>

#include "cedar/ast.h"
#include "cedar/token_stream.h"

namespace writ::cedar {

class ExpressionParser {
 public:
  // Both must outlive the tree's use; nodes go to the arena.
  ExpressionParser(TokenStream& tokens, Arena& arena) : tokens_(tokens), arena_(arena) {}

  Parsed<const ast::Expression*> expression();

  // `A::B`, not an entity.
  Parsed<const ast::Name*> type_name();
  Parsed<ast::Name> plain_name(std::string_view what);
  struct Path {
    ast::Name name;                        // canonical spelling, a single component too
    const EntityUid* entity = nullptr;     // when a string followed: `A::B::"id"`
    bool is_single = false;
  };
  // A type name, or an entity reference.
  Parsed<Path> path();

 private:
  using Expression = const ast::Expression*;

  Parsed<Expression> conditional();
  Parsed<Expression> disjunction();
  Parsed<Expression> conjunction();
  Parsed<Expression> relation();
  Parsed<Expression> has(Expression object, Span begin);
  Parsed<Expression> like(Expression operand, Span begin);
  Parsed<Expression> is(Expression operand, Span begin);
  Parsed<Expression> sum();
  Parsed<Expression> product();
  Parsed<Expression> unary();
  Parsed<Expression> negative_literal(Span minus);
  Parsed<Expression> member();
  Parsed<Expression> dotted(Expression object, Span begin);
  Parsed<Expression> method(Expression object, const Token& name, Span begin);
  Parsed<Expression> indexed(Expression object, Span begin);
  Parsed<Expression> primary();
  Parsed<Expression> word();
  Parsed<Expression> function(const ast::Name& name);
  Parsed<Expression> integer();
  Parsed<Expression> record();
  Parsed<ast::Operands> arguments(TokenKind close, std::string_view what);

  Parsed<Expression> make(ast::Expression::Node node, Span span);
  Unexpected<Failed> too_deep(Span span);

  TokenStream& tokens_;
  Arena& arena_;
  std::uint32_t depth_ = 0;
};

}  // namespace writ::cedar
