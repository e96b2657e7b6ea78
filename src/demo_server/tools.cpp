#include "demo_server/tools.h"

#include <string>

namespace writ::demo_server {
namespace {

enum class Effect { reads, adds, destroys };

json::Value tool(std::string_view name, std::string_view title, std::string_view description, Effect effect, json::Value properties, json::Array required) {
  json::Value schema{{"type", "object"}};
  schema.set("properties", std::move(properties));
  if (!required.empty()) schema.set("required", std::move(required));
  json::Value annotations{{"title", title}, {"readOnlyHint", effect == Effect::reads}, {"destructiveHint", effect == Effect::destroys},
                          {"idempotentHint", effect != Effect::adds}, {"openWorldHint", false}};
  json::Value definition{{"name", name}, {"title", title}, {"description", description}};
  definition.set("inputSchema", std::move(schema));
  definition.set("annotations", std::move(annotations));
  return definition;
}

json::Value property(std::string_view type, std::string_view description) { return json::Value{{"type", type}, {"description", description}}; }

json::Value bad_arguments() { return text_result("the arguments do not match the tool's schema", true); }

json::Value note_text(const Note& note) { return text_result(note.id + ": " + note.title + "\n" + note.text); }

}  // namespace

json::Array tool_definitions() {
  return {
      tool("search_notes", "Search notes", "Find notes by words in their title or text", Effect::reads,
           json::Value{{"query", property("string", "words to look for; empty lists all notes")}}, {}),
      tool("read_note", "Read a note", "Read one note", Effect::reads, json::Value{{"id", property("string", "the note's id")}}, {"id"}),
      tool("add_note", "Add a note", "Write a new note", Effect::adds,
           json::Value{{"title", property("string", "its title")}, {"text", property("string", "its text")}}, {"title", "text"}),
      tool("delete_note", "Delete a note", "Remove a note for good", Effect::destroys, json::Value{{"id", property("string", "the note's id")}}, {"id"}),
      tool(kSlowReport, "Slow report", "Write a report step by step, with progress", Effect::reads,
           json::Value{{"steps", json::Value{{"type", "integer"}, {"minimum", 1}, {"maximum", kReportStepsMax}, {"description", "how many steps it takes"}}}}, {}),
  };
}

json::Value text_result(std::string_view text, bool is_error) {
  json::Value result{{"content", json::Array{json::Value{{"type", "text"}, {"text", text}}}}};
  if (is_error) result.set("isError", true);
  return result;
}

std::optional<json::Value> call_tool(Notes& notes, std::string_view name, const json::Value& arguments) {
  const auto* id = arguments.find_string("id");
  if (name == "search_notes") {
    const auto* query = arguments.find_string("query");
    if (arguments.find("query") && !query) return bad_arguments();
    std::string text;
    for (const Note& note : notes.search(query ? *query : "")) text += note.id + ": " + note.title + "\n";
    return text_result(text.empty() ? "no note matches" : text);
  }
  if (name == "read_note") {
    if (!id) return bad_arguments();
    const auto note = notes.find(*id);
    return note ? note_text(*note) : text_result("there is no such note", true);
  }
  if (name == "add_note") {
    const auto* title = arguments.find_string("title");
    const auto* text = arguments.find_string("text");
    if (!title || !text) return bad_arguments();
    const auto note = notes.add(*title, *text);
    return note ? note_text(*note) : text_result("the notebook is full", true);
  }
  if (name == "delete_note") {
    if (!id) return bad_arguments();
    return notes.remove(*id) ? text_result("deleted " + *id) : text_result("there is no such note", true);
  }
  return std::nullopt;
}

std::optional<int> report_steps(const json::Value& arguments) {
  constexpr int kDefault = 5;
  const json::Value* steps = arguments.find("steps");
  if (!steps) return kDefault;
  const auto* count = steps->as_int();
  if (!count || *count < 1 || *count > kReportStepsMax) return std::nullopt;
  return static_cast<int>(*count);
}

}  // namespace writ::demo_server
