#include "approval_output.h"

#include <cstdio>

#include "output.h"

namespace writ::cli::admin {
namespace {

constexpr std::size_t kShortArguments = 60;

std::string shortened(std::string text) {
  if (text.size() <= kShortArguments) return text;
  std::size_t end = kShortArguments;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string waits_for(const json::Value& request) {
  std::string groups;
  for (const auto& need : *request.find_array("needs")) {
    if (need.find("approved_by")) continue;
    const std::string group = text_of(need, "group");
    if (groups.find(group) == std::string::npos) groups += (groups.empty() ? "" : ", ") + group;
  }
  return groups;
}

void line(const char* name, const std::string& value) {
  if (!value.empty()) std::printf("%-12s %s\n", name, value.c_str());
}

}  // namespace

void print_approvals(const json::Value& items) {
  Table table({"id", "state", "who", "via", "call", "arguments", "waits for", "until"});
  for (const auto& item : *items.as_array()) {
    table.add({text_of(item, "id"), text_of(item, "state"), text_of(item, "user_name"), text_of(item, "agent"), text_of(item, "server") + "/" + text_of(item, "tool"),
               shortened(text_of(item, "arguments_text")), waits_for(item), text_of(item, "expires")});
  }
  if (table.empty()) {
    std::printf("no call waits for approval\n");
  } else {
    table.print();
  }
}

void print_approval(const json::Value& request) {
  line("id", text_of(request, "id"));
  line("state", text_of(request, "state"));
  line("who", text_of(request, "user_name") + " (" + text_of(request, "user") + ") via " + text_of(request, "agent"));
  line("call", text_of(request, "server") + "/" + text_of(request, "tool"));
  line("arguments", text_of(request, "arguments_text"));
  line("also sent", text_of(request, "more_text"));
  line("policy says", text_of(request, "message"));
  for (const auto& need : *request.find_array("needs")) {
    const std::string by = text_of(need, "approved_by");
    line("needs", text_of(need, "group") + " (policy " + text_of(need, "policy") + "): " + (by.empty() ? "not approved yet" : "approved by " + by + " at " + text_of(need, "approved_at")));
  }
  line("rejected by", text_of(request, "rejected_by"));
  line("reason", text_of(request, "reason"));
  line("asked at", text_of(request, "created"));
  line("until", text_of(request, "expires"));
  line("definition", text_of(request, "definition_digest"));
  line("digest", text_of(request, "digest"));
}

}  // namespace writ::cli::admin
