#include "cedar/schema_parser.h"

#include <algorithm>
#include <array>
#include <variant>

#include "cedar/name.h"
#include "cedar/token_stream.h"
#include "cedar/type.h"
#include "cedar/unique_keys.h"

// The grammar is that of the reference, "Schema, human syntax". Its words are words only where they are expected: `type`, `Set` or
// `principal` are also names of types and attributes.

namespace writ::cedar {

namespace {

using Done = std::monostate;

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

class SchemaParser {
 public:
  explicit SchemaParser(std::string_view text) : tokens_(text, Dialect::schema) {}

  Result<declared::Schema, Message> schema() {
    // More tokens than spans can count would wrap around.
    if (tokens_.text().size() > kTextBytesMax) return unexpected(message("the schema is longer than 64 MiB"));
    declared::Schema schema;
    while (!tokens_.current().is(TokenKind::end)) {
      if (!top_level(schema)) return unexpected(tokens_.error());
    }
    if (!outside_.entity_types.empty() || !outside_.common_types.empty() || !outside_.actions.empty())
      schema.namespaces.insert(schema.namespaces.begin(), std::move(outside_));
    schema.text = std::string(tokens_.text());
    return schema;
  }

 private:
  Parsed<Done> top_level(declared::Schema& schema) {
    declared::Annotations annotated = TRY(annotations());
    if (!tokens_.current().is_word("namespace")) return declaration(outside_, std::move(annotated));
    tokens_.take();
    declared::Namespace space;
    const declared::TypeName name = TRY(path());
    space.name = name.name;
    space.place = name.place;
    space.annotations = std::move(annotated);
    TRY(expect(TokenKind::left_brace, "`{`"));
    while (!tokens_.take_if(TokenKind::right_brace)) {
      declared::Annotations inner = TRY(annotations());
      TRY(declaration(space, std::move(inner)));
    }
    schema.namespaces.push_back(std::move(space));
    return Done{};
  }

  Parsed<Done> declaration(declared::Namespace& space, declared::Annotations annotated) {
    if (tokens_.take_word_if("entity")) return entity(space, std::move(annotated));
    if (tokens_.take_word_if("action")) return action(space, std::move(annotated));
    if (tokens_.take_word_if("type")) return common_type(space, std::move(annotated));
    static constexpr std::array<std::string_view, 4> kWords{"entity", "action", "type", "namespace"};
    const Token& found = tokens_.current();
    return tokens_.fail(found.span, "expected `entity`, `action`, `type` or `namespace`, found " + describe(found),
                        found.is(TokenKind::identifier) ? did_you_mean(found.text, kWords) : "");
  }

  Parsed<Done> entity(declared::Namespace& space, declared::Annotations annotated) {
    std::vector<declared::TypeName> names;
    do names.push_back(TRY(identifier("the name of an entity type")));
    while (tokens_.take_if(TokenKind::comma));
    declared::EntityType type;
    type.annotations = std::move(annotated);
    if (tokens_.take_word_if("enum")) {
      type.ids = TRY(ids());
    } else {
      if (tokens_.take_word_if("in")) type.parents = TRY(path_or_list());
      const bool must_have_body = tokens_.take_if(TokenKind::equal);
      if (tokens_.current().is(TokenKind::left_brace)) type.shape = TRY(record(1));
      else if (must_have_body) return tokens_.fail_expecting("`{`, the attributes of the entity type");
      if (tokens_.take_word_if("tags")) type.tags = TRY(this->type(1));
    }
    TRY(expect(TokenKind::semicolon, "`;`"));
    for (const declared::TypeName& name : names) {
      type.name = name.name;
      type.place = name.place;
      space.entity_types.push_back(type);
    }
    return Done{};
  }

  Parsed<std::vector<std::string>> ids() {
    TRY(expect(TokenKind::left_bracket, "`[`"));
    std::vector<std::string> all;
    do {
      const Token id = TRY(expect(TokenKind::string, "an id in quotes"));
      all.push_back(TRY(unquote(id)));
    } while (tokens_.take_if(TokenKind::comma));
    TRY(expect(TokenKind::right_bracket, "`]`"));
    return all;
  }

  Parsed<Done> common_type(declared::Namespace& space, declared::Annotations annotated) {
    const declared::TypeName name = TRY(identifier("the name of a type"));
    TRY(expect(TokenKind::equal, "`=`"));
    declared::Type of = TRY(type(1));
    declared::CommonType common{name.name, std::move(of), std::move(annotated), name.place};
    TRY(expect(TokenKind::semicolon, "`;`"));
    space.common_types.push_back(std::move(common));
    return Done{};
  }

  Parsed<Done> action(declared::Namespace& space, declared::Annotations annotated) {
    std::vector<declared::TypeName> names;
    do names.push_back(TRY(this->name("the name of an action")));
    while (tokens_.take_if(TokenKind::comma));
    declared::Action action;
    action.annotations = std::move(annotated);
    if (tokens_.take_word_if("in")) action.parents = TRY(action_parents());
    if (tokens_.take_word_if("appliesTo")) action.applies_to = TRY(applies_to());
    if (tokens_.take_word_if("attributes")) {   // a left-over of the language: only nothing may stand in it
      TRY(expect(TokenKind::left_brace, "`{`"));
      TRY(expect(TokenKind::right_brace, "`}`, since actions have no attributes"));
    }
    TRY(expect(TokenKind::semicolon, "`in`, `appliesTo` or `;`"));
    for (const declared::TypeName& name : names) {
      action.id = name.name;
      action.place = name.place;
      space.actions.push_back(action);
    }
    return Done{};
  }

  Parsed<std::vector<declared::ActionName>> action_parents() {
    std::vector<declared::ActionName> all;
    if (!tokens_.take_if(TokenKind::left_bracket)) {
      all.push_back(TRY(action_name()));
      return all;
    }
    do all.push_back(TRY(action_name()));
    while (tokens_.take_if(TokenKind::comma));
    TRY(expect(TokenKind::right_bracket, "`]`"));
    return all;
  }

  // `view`, `"view"` or `N::Action::"view"`.
  Parsed<declared::ActionName> action_name() {
    const Token first = tokens_.current();
    if (!first.is(TokenKind::identifier) || !tokens_.following().is(TokenKind::colon_colon)) {
      declared::TypeName id = TRY(name("an action"));
      return declared::ActionName{"", std::move(id.name), id.place};
    }
    declared::ActionName action;
    for (;;) {
      if (!action.type.empty()) action.type += "::";
      action.type += TRY(identifier("a name")).name;
      TRY(expect(TokenKind::colon_colon, "`::`"));
      if (tokens_.current().is(TokenKind::string)) break;
    }
    action.id = TRY(unquote(tokens_.take()));
    action.place = tokens_.since(first.span);
    return action;
  }

  Parsed<declared::AppliesTo> applies_to() {
    const Span begin = tokens_.current().span;
    TRY(expect(TokenKind::left_brace, "`{`"));
    declared::AppliesTo result;
    bool has_context = false;
    do {
      const Token word = tokens_.current();
      const auto is_first = [&](bool repeated) -> Parsed<Done> {
        if (repeated) return tokens_.fail(word.span, quoted(word.text) + " stands twice in this `appliesTo`");
        return expect_colon();
      };
      if (tokens_.take_word_if("principal")) {
        TRY(is_first(!result.principals.empty()));
        result.principals = TRY(some_paths(word));
      } else if (tokens_.take_word_if("resource")) {
        TRY(is_first(!result.resources.empty()));
        result.resources = TRY(some_paths(word));
      } else if (tokens_.take_word_if("context")) {
        TRY(is_first(has_context));
        has_context = true;
        result.context = TRY(context());
      } else {
        static constexpr std::array<std::string_view, 3> kWords{"principal", "resource", "context"};
        return tokens_.fail(word.span, "expected `principal`, `resource` or `context`, found " + describe(word), did_you_mean(word.text, kWords));
      }
    } while (tokens_.take_if(TokenKind::comma) && !tokens_.current().is(TokenKind::right_brace));
    TRY(expect(TokenKind::right_brace, "`,` or `}`"));
    if (result.principals.empty()) return tokens_.fail(tokens_.since(begin), "`appliesTo` says no `principal`");
    if (result.resources.empty()) return tokens_.fail(tokens_.since(begin), "`appliesTo` says no `resource`");
    return result;
  }

  Parsed<std::vector<declared::TypeName>> some_paths(const Token& word) {
    std::vector<declared::TypeName> all = TRY(path_or_list());
    if (all.empty()) return tokens_.fail(word.span, "the list of " + quoted(word.text) + " is empty", "leave `appliesTo` out when the action applies to nothing");
    return all;
  }

  Parsed<declared::Type> context() {
    if (tokens_.current().is(TokenKind::left_brace)) return record(1);
    if (!tokens_.current().is(TokenKind::identifier)) return tokens_.fail_expecting("`{` or the name of a type");
    declared::Type type = TRY(named());
    type.form = declared::Type::Form::common;   // no other type can be a context
    return type;
  }

  Parsed<declared::Type> type(std::uint32_t depth) {
    const Token first = tokens_.current();
    if (depth > kTypeDepthMax) return tokens_.fail(first.span, "types are nested too deeply here");
    if (first.is(TokenKind::left_brace)) return record(depth);
    if (!first.is(TokenKind::identifier)) return tokens_.fail_expecting("a type");
    if (!first.is_word("Set") || !tokens_.following().is(TokenKind::less)) return named();
    tokens_.take();
    tokens_.take();
    declared::Type set;
    set.form = declared::Type::Form::set;
    set.element.push_back(TRY(type(depth + 1)));
    TRY(expect(TokenKind::greater, "`>`"));
    set.place = tokens_.since(first.span);
    return set;
  }

  Parsed<declared::Type> named() {
    declared::TypeName name = TRY(path());
    declared::Type type;
    type.form = declared::Type::Form::name;
    type.name = std::move(name.name);
    type.place = name.place;
    return type;
  }

  Parsed<declared::Type> record(std::uint32_t depth) {
    const Span begin = tokens_.current().span;
    TRY(expect(TokenKind::left_brace, "`{`"));
    declared::Type record;
    while (!tokens_.current().is(TokenKind::right_brace)) {
      record.attributes.push_back(TRY(attribute(depth)));
      if (!tokens_.take_if(TokenKind::comma)) break;
    }
    TRY(expect(TokenKind::right_brace, "`,` or `}`"));
    record.place = tokens_.since(begin);
    keep_last(record.attributes);
    return record;
  }

  // Of attributes with one name the last counts, as in the official reader.
  static void keep_last(std::vector<declared::Attribute>& attributes) {
    std::stable_sort(attributes.begin(), attributes.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    std::vector<declared::Attribute> kept;
    for (declared::Attribute& attribute : attributes) {
      if (!kept.empty() && kept.back().name == attribute.name) kept.back() = std::move(attribute);
      else kept.push_back(std::move(attribute));
    }
    std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.place.begin < b.place.begin; });
    attributes = std::move(kept);
  }

  Parsed<declared::Attribute> attribute(std::uint32_t depth) {
    declared::Attribute attribute;
    attribute.annotations = TRY(annotations());
    declared::TypeName name = TRY(this->name("the name of an attribute"));
    attribute.name = std::move(name.name);
    attribute.place = name.place;
    attribute.is_required = !tokens_.take_if(TokenKind::question);
    TRY(expect_colon());
    attribute.type = TRY(type(depth + 1));
    return attribute;
  }

  Parsed<declared::Annotations> annotations() {
    declared::Annotations all;
    std::vector<Token> keys;
    while (tokens_.take_if(TokenKind::at)) {
      const Token key = TRY(expect(TokenKind::identifier, "an annotation's name after `@`"));
      declared::Annotation annotation{std::string(key.text), std::nullopt};
      if (tokens_.take_if(TokenKind::left_paren)) {
        const Token value = TRY(expect(TokenKind::string, "the annotation's value in quotes"));
        annotation.value = TRY(unquote(value));
        TRY(expect(TokenKind::right_paren, "`)`"));
      }
      all.push_back(std::move(annotation));
      keys.push_back(key);
    }
    if (const auto repeated = find_repeated_key(keys, [](const Token& key) { return key.text; }))
      return tokens_.fail(keys[*repeated].span, "the annotation `@" + all[*repeated].key + "` stands twice here");
    return all;
  }

  Parsed<std::vector<declared::TypeName>> path_or_list() {
    std::vector<declared::TypeName> all;
    if (!tokens_.take_if(TokenKind::left_bracket)) {
      all.push_back(TRY(path()));
      return all;
    }
    if (tokens_.take_if(TokenKind::right_bracket)) return all;
    do all.push_back(TRY(path()));
    while (tokens_.take_if(TokenKind::comma));
    TRY(expect(TokenKind::right_bracket, "`,` or `]`"));
    return all;
  }

  Parsed<declared::TypeName> path() {
    declared::TypeName whole = TRY(identifier("the name of a type"));
    const Span begin = whole.place;
    while (tokens_.take_if(TokenKind::colon_colon)) whole.name += "::" + TRY(identifier("a name after `::`")).name;
    whole.place = tokens_.since(begin);
    return whole;
  }

  // A word that may be a name.
  Parsed<declared::TypeName> identifier(std::string_view what) {
    const Token word = tokens_.current();
    if (!word.is(TokenKind::identifier)) return tokens_.fail_expecting(what);
    if (is_reserved(word.text)) return tokens_.fail(word.span, quoted(word.text) + " is a reserved word and cannot be a name");
    tokens_.take();
    return declared::TypeName{std::string(word.text), word.span};
  }

  // A word, or any text in quotes.
  Parsed<declared::TypeName> name(std::string_view what) {
    if (!tokens_.current().is(TokenKind::string)) return identifier(what);
    const Token text = tokens_.take();
    return declared::TypeName{TRY(unquote(text)), text.span};
  }

  Parsed<std::string> unquote(const Token& text) {
    Arena arena;
    const std::string_view meaning = TRY(tokens_.keep(unescape(tokens_.text(), text, arena)));
    return std::string(meaning);
  }

  Parsed<Token> expect(TokenKind kind, std::string_view what) { return tokens_.expect(kind, what); }
  Parsed<Done> expect_colon() {
    TRY(expect(TokenKind::colon, "`:`"));
    return Done{};
  }

  TokenStream tokens_;
  declared::Namespace outside_;
};

}  // namespace

Result<declared::Schema, Message> parse_schema(std::string_view text) { return SchemaParser(text).schema(); }

}  // namespace writ::cedar
