#include <algorithm>
#include <array>

#include "cedar/policy_json.h"
#include "cedar/value_json.h"

namespace writ::cedar {

namespace {

using ast::BinaryOperator;
using ast::Expression;

Unexpected<Message> refuse(std::string text) { return unexpected(message(std::move(text))); }
std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// The object of a constraint or operator: every field is asked for by name, and one that nobody asked for is refused.
class Fields {
 public:
  static Result<Fields, Message> of(const json::Value& json, std::string_view what) {
    if (!json.is_object()) return refuse(std::string(what) + " must be an object");
    return Fields(json, what);
  }
  const json::Value* find(std::string_view name) {
    const json::Value* found = json_->find(name);
    if (found != nullptr) ++seen_;
    return found;
  }
  Result<const json::Value*, Message> require(std::string_view name) {
    const json::Value* found = find(name);
    if (found == nullptr) return refuse(what_ + " has no " + quoted(name));
    return found;
  }
  Result<std::string_view, Message> require_string(std::string_view name) {
    const json::Value* found = TRY(require(name));
    if (!found->is_string()) return refuse(quoted(name) + " of " + what_ + " must be a string");
    return std::string_view(*found->as_string());
  }
  Result<void, Message> end() const {
    if (seen_ == json_->as_object()->size()) return {};
    return refuse(what_ + " has an unknown field");
  }

 private:
  Fields(const json::Value& json, std::string_view what) : json_(&json), what_(what) {}
  const json::Value* json_;
  std::string what_;
  std::size_t seen_ = 0;
};

class Reader {
 public:
  explicit Reader(Arena& arena) : arena_(arena) {}

  Result<ast::Policy, Message> policy(const json::Value& json) {
    Fields fields = TRY(Fields::of(json, "a policy"));
    ast::Policy policy;
    const std::string_view effect = TRY(fields.require_string("effect"));
    if (effect != "permit" && effect != "forbid") return refuse("`effect` must be `permit` or `forbid`");
    policy.effect = effect == "permit" ? ast::Effect::permit : ast::Effect::forbid;
    policy.principal = TRY(scope(*TRY(fields.require("principal")), "principal"));
    policy.action = TRY(action(*TRY(fields.require("action"))));
    policy.resource = TRY(scope(*TRY(fields.require("resource")), "resource"));
    policy.clauses = TRY(clauses(*TRY(fields.require("conditions"))));
    if (const json::Value* annotations_json = fields.find("annotations")) policy.annotations = TRY(annotations(*annotations_json));
    TRY(fields.end());
    return policy;
  }

 private:
  using Made = Result<const Expression*, Message>;

  Made make(Expression::Node node) {
    const Expression* made = ast::make(arena_, node, {});
    if (made == nullptr) return refuse("an expression is nested too deeply (at most " + std::to_string(ast::kDepthMax) + " levels)");
    return made;
  }

  Result<const ast::Name*, Message> type_name(std::string_view text) {
    if (!is_type_name(text)) return refuse(quoted(text) + " is no type name");
    return arena_.make<ast::Name>(arena_.copy(text), Span{});
  }

  Result<const EntityUid*, Message> entity(const json::Value& json) { return arena_.make<EntityUid>(TRY(read_entity_uid(json, arena_))); }

  Result<void, Message> entity_or_slot(Fields& fields, std::string_view variable, ast::ScopeConstraint& constraint) {
    if (const json::Value* entity_json = fields.find("entity")) {
      constraint.entity = TRY(entity(*entity_json));
      return fields.end();
    }
    const std::string_view slot = TRY(fields.require_string("slot"));
    if (slot != "?" + std::string(variable)) return refuse(quoted(slot) + " may not stand at " + quoted(variable));
    constraint.has_slot = true;
    return fields.end();
  }

  Result<ast::ScopeConstraint, Message> scope(const json::Value& json, std::string_view variable) {
    using Form = ast::ScopeConstraint::Form;
    Fields fields = TRY(Fields::of(json, quoted(variable)));
    const std::string_view op = TRY(fields.require_string("op"));
    ast::ScopeConstraint constraint;
    if (op == "All" || op == "all") {
      TRY(fields.end());
    } else if (op == "==" || op == "in") {
      constraint.form = op == "in" ? Form::in : Form::equal;
      TRY(entity_or_slot(fields, variable, constraint));
    } else if (op == "is") {
      constraint.form = Form::is;
      constraint.type = TRY(type_name(TRY(fields.require_string("entity_type"))));
      if (const json::Value* in_json = fields.find("in")) {
        constraint.form = Form::is_in;
        Fields in = TRY(Fields::of(*in_json, "`in`"));
        TRY(entity_or_slot(in, variable, constraint));
      }
      TRY(fields.end());
    } else {
      return refuse(quoted(op) + " is no operator of the scope");
    }
    return constraint;
  }

  Result<ast::ActionConstraint, Message> action(const json::Value& json) {
    using Form = ast::ActionConstraint::Form;
    Fields fields = TRY(Fields::of(json, "`action`"));
    const std::string_view op = TRY(fields.require_string("op"));
    ast::ActionConstraint constraint;
    std::vector<ast::ActionConstraint::Listed> listed;
    const auto add = [&](const json::Value& each) -> Result<void, Message> {
      const EntityUid* uid = TRY(entity(each));
      if (!uid->is_action()) return refuse(quoted(uid->to_string()) + " is no action: its type must be `Action`, or end in `::Action`");
      listed.push_back({uid, {}});
      return {};
    };
    if (op == "==" || op == "in") {
      constraint.form = op == "in" ? Form::in : Form::equal;
      const json::Value* entities = op == "in" ? fields.find("entities") : nullptr;
      if (entities != nullptr) {
        if (!entities->is_array()) return refuse("`entities` must be an array");
        constraint.is_list = true;
        for (const json::Value& each : *entities->as_array()) TRY(add(each));
      } else {
        TRY(add(*TRY(fields.require("entity"))));
      }
    } else if (op != "All" && op != "all") {
      return refuse(quoted(op) + " is no operator for `action`");
    }
    TRY(fields.end());
    constraint.entities = arena_.copy(listed);
    return constraint;
  }

  Result<std::span<const ast::Clause>, Message> clauses(const json::Value& json) {
    if (!json.is_array()) return refuse("`conditions` must be an array");
    std::vector<ast::Clause> all;
    for (const json::Value& each : *json.as_array()) {
      Fields fields = TRY(Fields::of(each, "a condition"));
      const std::string_view kind = TRY(fields.require_string("kind"));
      if (kind != "when" && kind != "unless") return refuse("`kind` must be `when` or `unless`");
      all.push_back({kind == "when" ? ast::Clause::Kind::when : ast::Clause::Kind::unless, TRY(expression(*TRY(fields.require("body")))), {}});
      TRY(fields.end());
    }
    return arena_.copy(all);
  }

  Result<std::span<const ast::Annotation>, Message> annotations(const json::Value& json) {
    if (!json.is_object()) return refuse("`annotations` must be an object");
    std::vector<ast::Annotation> all;
    for (const json::Member& member : *json.as_object()) {
      if (!is_identifier(member.name)) return refuse(quoted(member.name) + " is no name for an annotation");
      if (!member.value.is_null() && !member.value.is_string()) return refuse("the value of `@" + member.name + "` must be a string or null");
      ast::Annotation annotation{{arena_.copy(member.name), {}}, std::nullopt};
      if (const std::string* value = member.value.as_string()) annotation.value = arena_.copy(*value);
      all.push_back(annotation);
    }
    return arena_.copy(all);
  }

  Made expression(const json::Value& json) {
    const json::Object* object = json.as_object();
    if (object == nullptr || object->size() != 1) return refuse("an expression must be an object with one key");
    // The strict JSON reader bounds the depth of its values too; this bound does not rely on its limits.
    if (depth_ == ast::kDepthMax) return refuse("an expression is nested too deeply (at most " + std::to_string(ast::kDepthMax) + " levels)");
    ++depth_;
    auto made = expression(object->front().name, object->front().value);
    --depth_;
    return made;
  }

  Made expression(std::string_view key, const json::Value& body) {
    if (key == "Value") return literal(body);
    if (key == "Var") return variable(body);
    if (key == "Slot") return refuse("a slot may not stand in a condition");
    if (key == "!") return unary(ast::UnaryOperator::not_, body);
    if (key == "neg") return unary(ast::UnaryOperator::negate, body);
    if (key == "isEmpty") return unary(ast::UnaryOperator::is_empty, body);
    if (key == "&&" || key == "||") return chain(key, body);
    if (key == ".") return attribute(body);
    if (key == "has") return has(body);
    if (key == "like") return like(body);
    if (key == "is") return is(body);
    if (key == "if-then-else") return conditional(body);
    if (key == "Set") return make(ast::Set{TRY(list(body))});
    if (key == "Record") return record(body);
    for (auto op = BinaryOperator::equal; op <= BinaryOperator::get_tag; op = static_cast<BinaryOperator>(static_cast<int>(op) + 1))
      if (key == to_string(op)) return binary(op, body);
    if (const auto function = ast::find_function(key)) {
      const ast::Operands arguments = TRY(list(body));
      if (arguments.empty() && !is_constructor(*function)) return refuse(quoted(key) + " needs a receiver");
      return make(ast::Call{*function, arguments});
    }
    return refuse("unknown operator " + quoted(key));
  }

  // Plain values become the literals that a text would have; the others stay what they are in JSON, computed.
  Made literal(const json::Value& body) {
    const Value value = TRY(read_value(body, arena_));
    switch (value.kind()) {
      case Value::Kind::boolean: return make(ast::Bool{value.as_bool()});
      case Value::Kind::integer: return make(ast::Long{value.as_integer()});
      case Value::Kind::string: return make(ast::String{value.as_string()});
      case Value::Kind::entity: return make(ast::Entity{&value.as_entity()});
      case Value::Kind::set: {
        std::vector<const Expression*> elements;
        for (const json::Value& element : *body.as_array()) elements.push_back(TRY(literal(element)));
        return make(ast::Set{arena_.copy(elements)});
      }
      case Value::Kind::record: {
        std::vector<ast::Field> fields;
        for (const json::Member& member : *body.as_object()) fields.push_back({{arena_.copy(member.name), {}}, TRY(literal(member.value))});
        return make(ast::Record{arena_.copy(fields)});
      }
      default: return call_of_escape(*body.find("__extn"));
    }
  }

  // The call that a text would have, so that the validator sees the literal.
  Made call_of_escape(const json::Value& escape) {
    const auto function = ast::find_function(*escape.find_string("fn"));
    std::vector<const Expression*> arguments;
    if (const json::Value* argument = escape.find("arg")) {
      arguments.push_back(TRY(literal(*argument)));
    } else {
      for (const json::Value& each : *escape.find_array("args")) arguments.push_back(TRY(literal(each)));
    }
    return make(ast::Call{*function, arena_.copy(arguments)});
  }

  Made variable(const json::Value& body) {
    static constexpr std::array<std::string_view, 4> kNames{"principal", "action", "resource", "context"};
    const std::string* name = body.as_string();
    const auto found = name == nullptr ? kNames.end() : std::find(kNames.begin(), kNames.end(), *name);
    if (found == kNames.end()) return refuse("`Var` must be `principal`, `action`, `resource` or `context`");
    return make(ast::VariableReference{static_cast<ast::Variable>(found - kNames.begin())});
  }

  Made unary(ast::UnaryOperator op, const json::Value& body) {
    Fields fields = TRY(Fields::of(body, "an operator"));
    const Expression* operand = TRY(expression(*TRY(fields.require("arg"))));
    TRY(fields.end());
    return make(ast::Unary{op, operand});
  }

  Result<std::pair<const Expression*, const Expression*>, Message> operands(const json::Value& body) {
    Fields fields = TRY(Fields::of(body, "an operator"));
    const Expression* left = TRY(expression(*TRY(fields.require("left"))));
    const Expression* right = TRY(expression(*TRY(fields.require("right"))));
    TRY(fields.end());
    return std::pair(left, right);
  }

  Made binary(BinaryOperator op, const json::Value& body) {
    const auto [left, right] = TRY(operands(body));
    return make(ast::Binary{op, left, right});
  }

  Made chain(std::string_view key, const json::Value& body) {
    const auto [left, right] = TRY(operands(body));
    std::vector<const Expression*> all{left};
    const auto* conjunction = key == "&&" ? left->as<ast::And>() : nullptr;
    const auto* disjunction = key == "||" ? left->as<ast::Or>() : nullptr;
    if (conjunction != nullptr) all.assign(conjunction->operands.begin(), conjunction->operands.end());
    if (disjunction != nullptr) all.assign(disjunction->operands.begin(), disjunction->operands.end());
    all.push_back(right);
    if (key == "&&") return make(ast::And{arena_.copy(all)});
    return make(ast::Or{arena_.copy(all)});
  }

  Made attribute(const json::Value& body) {
    Fields fields = TRY(Fields::of(body, "`.`"));
    const Expression* object = TRY(expression(*TRY(fields.require("left"))));
    const std::string_view name = TRY(fields.require_string("attr"));
    TRY(fields.end());
    return make(ast::Attribute{object, {arena_.copy(name), {}}});
  }

  Made has(const json::Value& body) {
    Fields fields = TRY(Fields::of(body, "`has`"));
    const Expression* object = TRY(expression(*TRY(fields.require("left"))));
    const json::Value* attr = TRY(fields.require("attr"));
    TRY(fields.end());
    const auto names = attr->is_string() ? std::optional(std::vector<std::string>{*attr->as_string()}) : json::to_strings(*attr);
    if (!names || names->empty()) return refuse("`attr` of `has` must be a string or an array of strings");
    std::vector<ast::Name> path;
    for (const std::string& name : *names) {
      if (names->size() > 1 && !is_plain_name(name)) return refuse(quoted(name) + " may not stand in the path of `has`");
      path.push_back({arena_.copy(name), {}});
    }
    if (path.size() + object->depth > ast::kDepthMax) return refuse("the path of `has` is too long");
    return make(ast::Has{object, arena_.copy(path)});
  }

  Made like(const json::Value& body) {
    Fields fields = TRY(Fields::of(body, "`like`"));
    const Expression* operand = TRY(expression(*TRY(fields.require("left"))));
    const json::Value* pattern = TRY(fields.require("pattern"));
    TRY(fields.end());
    if (!pattern->is_array()) return refuse("`pattern` must be an array");
    std::vector<PatternPiece> pieces;
    std::string text;
    const auto end_literal = [&] {
      if (!text.empty()) pieces.push_back({false, arena_.copy(text)});
      text.clear();
    };
    for (const json::Value& piece : *pattern->as_array()) {
      const std::string* word = piece.as_string();
      const std::string* piece_text = piece.find_string("Literal");
      if (word != nullptr && *word == "Wildcard") {
        end_literal();
        pieces.push_back({true, {}});
      } else if (piece_text != nullptr && piece.as_object()->size() == 1) {
        text += *piece_text;
      } else {
        return refuse("a piece of `pattern` must be \"Wildcard\" or {\"Literal\": …}");
      }
    }
    end_literal();
    return make(ast::Like{operand, arena_.copy(pieces)});
  }

  Made is(const json::Value& body) {
    Fields fields = TRY(Fields::of(body, "`is`"));
    const Expression* operand = TRY(expression(*TRY(fields.require("left"))));
    const ast::Name* type = TRY(type_name(TRY(fields.require_string("entity_type"))));
    const json::Value* in_json = fields.find("in");
    const Expression* in = in_json == nullptr ? nullptr : TRY(expression(*in_json));
    TRY(fields.end());
    return make(ast::Is{operand, type, in});
  }

  Made conditional(const json::Value& body) {
    Fields fields = TRY(Fields::of(body, "`if-then-else`"));
    const Expression* condition = TRY(expression(*TRY(fields.require("if"))));
    const Expression* then = TRY(expression(*TRY(fields.require("then"))));
    const Expression* otherwise = TRY(expression(*TRY(fields.require("else"))));
    TRY(fields.end());
    return make(ast::If{condition, then, otherwise});
  }

  Made record(const json::Value& body) {
    if (!body.is_object()) return refuse("`Record` must be an object");
    std::vector<ast::Field> fields;
    for (const json::Member& member : *body.as_object()) fields.push_back({{arena_.copy(member.name), {}}, TRY(expression(member.value))});
    return make(ast::Record{arena_.copy(fields)});
  }

  Result<ast::Operands, Message> list(const json::Value& body) {
    if (!body.is_array()) return refuse("arguments and sets must be arrays");
    std::vector<const Expression*> all;
    for (const json::Value& each : *body.as_array()) all.push_back(TRY(expression(each)));
    return arena_.copy(all);
  }

  Arena& arena_;
  std::uint32_t depth_ = 0;
};

Result<void, Message> add_all(PolicySetBuilder& builder, const json::Value* json, bool are_templates) {
  if (json == nullptr) return {};
  if (!json->is_object()) return refuse("policies must be an object of id and policy");
  for (const json::Member& member : *json->as_object()) {
    const ast::Policies read = TRY(read_policy(member.value));
    if (read.policies[0].is_template() != are_templates)
      return refuse(quoted(member.name) + (are_templates ? " has no slot and is no template" : " has a slot and is a template"));
    TRY(builder.add(member.name, read.policies[0], read.source));
  }
  return {};
}

Result<void, Message> link(PolicySetBuilder& builder, const json::Value& json) {
  Fields fields = TRY(Fields::of(json, "a link"));
  const std::string_view template_id = TRY(fields.require_string("templateId"));
  const std::string_view new_id = TRY(fields.require_string("newId"));
  Fields values_json = TRY(Fields::of(*TRY(fields.require("values")), "`values`"));
  TRY(fields.end());
  Arena arena;
  SlotValues values;
  if (const json::Value* principal = values_json.find("?principal")) values.principal = TRY(read_entity_uid(*principal, arena));
  if (const json::Value* resource = values_json.find("?resource")) values.resource = TRY(read_entity_uid(*resource, arena));
  TRY(values_json.end());
  return builder.link(template_id, new_id, values);
}

}  // namespace

Result<ast::Policies, Message> read_policy(const json::Value& json) {
  const auto source = std::make_shared<ast::Source>();
  const ast::Policy policy = TRY(Reader(source->arena).policy(json));
  return ast::Policies{source, {policy}};
}

Result<PolicySet, Message> read_policy_set(const json::Value& json) {
  Fields fields = TRY(Fields::of(json, "a policy set"));
  PolicySetBuilder builder;
  TRY(add_all(builder, fields.find("staticPolicies"), false));
  TRY(add_all(builder, fields.find("templates"), true));
  if (const json::Value* links = fields.find("templateLinks")) {
    if (!links->is_array()) return refuse("`templateLinks` must be an array");
    for (const json::Value& each : *links->as_array()) TRY(link(builder, each));
  }
  TRY(fields.end());
  return builder.build();
}

}  // namespace writ::cedar
