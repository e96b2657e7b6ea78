#include "cedar/schema_printer.h"

#include <algorithm>

#include "cedar/lexer.h"
#include "cedar/name.h"
#include "cedar/schema_names.h"

namespace writ::cedar {

namespace {

using Form = declared::Type::Form;
using Allowed = SchemaNames::Allowed;

std::string bare_or_quoted(std::string_view name) {
  return is_identifier(name) && !is_reserved(name) ? std::string(name) : quote(name);
}

class Printer {
 public:
  explicit Printer(const SchemaNames& names) : names_(names) {}

  Result<std::string, Message> print(const declared::Schema& schema) {
    for (const declared::Namespace& space : schema.namespaces) {
      name_space_ = space.name;
      if (space.name.empty()) {
        TRY(declarations(space, 0));
        continue;
      }
      begin_item();
      annotations(space.annotations, 0, "\n");
      out_ += "namespace " + space.name + " {\n";
      is_first_ = true;
      TRY(declarations(space, 1));
      out_ += "}\n";
      is_first_ = false;
    }
    return std::move(out_);
  }

 private:
  void indent(std::size_t depth) { out_.append(2 * depth, ' '); }
  void begin_item() {
    if (!is_first_) out_ += '\n';
    is_first_ = false;
  }

  void annotations(const declared::Annotations& all, std::size_t depth, std::string_view after) {
    for (const declared::Annotation& annotation : all) {
      out_ += '@' + annotation.key;
      if (annotation.value) out_ += '(' + quote(*annotation.value) + ')';
      out_ += after;
      if (after == "\n") indent(depth);
    }
  }

  Result<void, Message> declarations(const declared::Namespace& space, std::size_t depth) {
    if (depth == 0 && !space.annotations.empty()) return refuse("annotations stand on the empty namespace");
    for (const declared::CommonType& common : space.common_types) {
      begin(common.annotations, depth);
      out_ += "type " + common.name + " = ";
      TRY(type(common.type, depth));
      out_ += ";\n";
    }
    for (const declared::EntityType& declaration : space.entity_types) {
      begin(declaration.annotations, depth);
      TRY(entity_type(declaration, depth));
    }
    for (const declared::Action& declaration : space.actions) {
      begin(declaration.annotations, depth);
      TRY(action(declaration, depth));
    }
    return {};
  }

  void begin(const declared::Annotations& all, std::size_t depth) {
    begin_item();
    indent(depth);
    annotations(all, depth, "\n");
  }

  Result<void, Message> entity_type(const declared::EntityType& declaration, std::size_t depth) {
    out_ += "entity " + declaration.name;
    if (declaration.ids) {
      out_ += " enum [";
      for (std::size_t i = 0; i < declaration.ids->size(); ++i) out_ += (i == 0 ? "" : ", ") + quote((*declaration.ids)[i]);
      out_ += "];\n";
      return {};
    }
    if (!declaration.parents.empty()) out_ += " in " + list(declaration.parents);
    if (declaration.shape.form != Form::record)
      return refuse("the attributes of the entity type `" + declaration.name + "` are a named type, which only the JSON form can say");
    if (!declaration.shape.attributes.empty()) {
      out_ += " = ";
      TRY(type(declaration.shape, depth));
    }
    if (declaration.tags) {
      out_ += " tags ";
      TRY(type(*declaration.tags, depth));
    }
    out_ += ";\n";
    return {};
  }

  Result<void, Message> action(const declared::Action& declaration, std::size_t depth) {
    out_ += "action " + bare_or_quoted(declaration.id);
    if (!declaration.parents.empty()) {
      out_ += " in [";
      for (std::size_t i = 0; i < declaration.parents.size(); ++i) {
        const declared::ActionName& parent = declaration.parents[i];
        if (i != 0) out_ += ", ";
        out_ += parent.type.empty() ? bare_or_quoted(parent.id) : parent.type + "::" + quote(parent.id);
      }
      out_ += ']';
    }
    if (declaration.applies_to) {
      const declared::AppliesTo& applies_to = *declaration.applies_to;
      if (applies_to.principals.empty() || applies_to.resources.empty())
        return refuse("the action `" + declaration.id + "` applies to an empty list, which only the JSON form can say");
      out_ += " appliesTo {\n";
      indent(depth + 1);
      out_ += "principal: " + list(applies_to.principals) + ",\n";
      indent(depth + 1);
      out_ += "resource: " + list(applies_to.resources) + ",\n";
      indent(depth + 1);
      out_ += "context: ";
      if (applies_to.context.form == Form::record) TRY(type(applies_to.context, depth + 1));
      else TRY(context_name(applies_to.context));
      out_ += ",\n";
      indent(depth);
      out_ += '}';
    }
    out_ += ";\n";
    return {};
  }

  static std::string list(const std::vector<declared::TypeName>& names) {
    std::string all = "[";
    for (std::size_t i = 0; i < names.size(); ++i) all += (i == 0 ? "" : ", ") + names[i].name;
    return all + ']';
  }

  Result<void, Message> type(const declared::Type& declared, std::size_t depth) {
    switch (declared.form) {
      case Form::name: out_ += declared.name; return {};
      case Form::built_in: out_ += built_in(declared.name); return {};
      case Form::entity:
      case Form::common: return restricted(declared);
      case Form::set:
        out_ += "Set<";
        TRY(type(declared.element.front(), depth));
        out_ += '>';
        return {};
      case Form::record: return record(declared, depth);
    }
    return {};
  }

  Result<void, Message> record(const declared::Type& declared, std::size_t depth) {
    if (declared.attributes.empty()) {
      out_ += "{}";
      return {};
    }
    out_ += "{\n";
    for (const declared::Attribute& attribute : declared.attributes) {
      indent(depth + 1);
      annotations(attribute.annotations, depth + 1, "\n");
      out_ += bare_or_quoted(attribute.name);
      out_ += attribute.is_required ? ": " : "?: ";
      TRY(type(attribute.type, depth + 1));
      out_ += ",\n";
    }
    indent(depth);
    out_ += '}';
    return {};
  }

  // The short name, unless a declaration has taken it.
  std::string built_in(const std::string& name) const {
    const auto meaning = names_.find(name_space_, name, Allowed::any);
    return meaning && meaning->built_in ? name : qualify(kBuiltInNamespace, name);
  }

  // Only common types are looked for where a context stands, so its name is enough unless JSON meant something else.
  Result<void, Message> context_name(const declared::Type& declared) {
    const auto meant = names_.find(name_space_, declared.name, declared.form == Form::name ? Allowed::any : Allowed::common);
    const bool is_common = !meant || (meant->entity.empty() && declared.form != Form::entity && declared.form != Form::built_in);
    if (!is_common || declared.form == Form::set) return refuse("the context of an action is no record");
    out_ += declared.name;
    return {};
  }

  // The name is enough where it would be understood in the same way.
  Result<void, Message> restricted(const declared::Type& declared) {
    const auto meant = names_.find(name_space_, declared.name, declared.form == Form::entity ? Allowed::entity : Allowed::common);
    const auto understood = names_.find(name_space_, declared.name, Allowed::any);
    const bool is_same = meant && understood && meant->common == understood->common && meant->entity == understood->entity &&
                         meant->built_in == understood->built_in;
    if (meant && !is_same) return refuse("`" + declared.name + "` is a name of two types, between which only the JSON form can tell");
    out_ += declared.name;
    return {};
  }

  static Unexpected<Message> refuse(std::string text) { return unexpected(message(std::move(text))); }

  const SchemaNames& names_;
  std::string name_space_;
  std::string out_;
  bool is_first_ = true;
};

}  // namespace

Result<std::string, Message> print_schema(const declared::Schema& schema) {
  const SchemaNames names = TRY(SchemaNames::collect(schema));
  return Printer(names).print(schema);
}

}  // namespace writ::cedar
