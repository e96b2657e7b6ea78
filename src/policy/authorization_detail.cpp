#include "policy/authorization_detail.h"

namespace writ::policy {

Question detail_question(Question connect, const json::Value& detail) {
  connect.action = Action::grant_scope;
  connect.scope.reset();
  connect.arguments = &detail;
  return connect;
}

bool is_about_detail(const Question& question) { return question.action == Action::grant_scope && !question.scope && question.arguments != nullptr; }

cedar::Value detail_value(const json::Value& detail, cedar::Arena& arena) {
  std::vector<cedar::Member> members;
  for (const char* name : {"type", "identifier"}) {
    if (const std::string* text = detail.find_string(name)) members.push_back({name, cedar::Value::string(arena, *text)});
  }
  for (const char* name : {"locations", "actions", "datatypes", "privileges"}) {
    const json::Array* texts = detail.find_array(name);
    if (texts == nullptr) continue;
    std::vector<cedar::Value> elements;
    for (const json::Value& text : *texts)
      if (const std::string* one = text.as_string()) elements.push_back(cedar::Value::string(arena, *one));
    members.push_back({name, cedar::Value::set(arena, std::move(elements))});
  }
  return cedar::Value::record(arena, std::move(members));
}

}  // namespace writ::policy
