#include "explanation_output.h"

#include <cstdio>

#include "output.h"

namespace writ::cli::admin {
namespace {

// Each line of a text behind a margin.
void print_indented(const std::string& text, const char* margin) {
  std::size_t at = 0;
  while (at <= text.size()) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (end > at) std::printf("%s%s\n", margin, text.substr(at, end - at).c_str());
    at = end + 1;
  }
}

std::string place_of(const json::Value& policy) {
  std::string place = text_of(policy, "file");
  for (const char* member : {"line", "column"}) {
    if (const std::string number = text_of(policy, member); !number.empty()) place += ":" + number;
  }
  return place;
}

void print_deciding(const json::Value& policy) {
  const std::string id = text_of(policy, "id"), place = place_of(policy);
  const bool is_named = id.rfind(text_of(policy, "file") + ":", 0) != 0;
  std::printf("             %s%s\n", place.c_str(), is_named ? (" " + id).c_str() : "");
  print_indented(text_of(policy, "text"), "             | ");
  if (text_of(policy, "effect") != "forbid") return;
  // A person who is stopped wants to see by which values.
  for (const json::Value& part : *policy.find_array("parts")) {
    const auto* looked_at = part.find_array("looked_at");
    if (!looked_at) continue;
    for (const json::Value& one : *looked_at) std::printf("             %s is %s\n", text_of(one, "what").c_str(), text_of(one, "value").c_str());
  }
}

}  // namespace

void print_legs(const json::Value& explanation) {
  for (const json::Value& leg : *explanation.find_array("legs")) {
    const bool* allowed = leg.find_bool("allowed");
    std::printf("  %-9s%s\n", allowed && *allowed ? "allowed" : "denied", text_of(leg, "sentence").c_str());
    if (const auto* deciding = leg.find_array("deciding")) {
      for (const json::Value& policy : *deciding) print_deciding(policy);
    }
    const auto* near = leg.find_array("near");
    if (!near || near->empty()) continue;
    std::printf("           came near:\n");
    for (const json::Value& policy : *near) std::printf("             %s\n", text_of(policy, "sentence").c_str());
  }
}

void print_ways(const json::Value& explanation) {
  if (const auto* missing = explanation.find_array("not_recorded")) {
    for (const json::Value& one : *missing) std::printf("\nnot recorded: %s\n", safe(*one.as_string()).c_str());
  }
  if (const json::Value* change = explanation.find("change")) {
    std::printf("\nsmallest change: %s\n  %s\n", text_of(*change, "sentence").c_str(), text_of(*change, "consequence").c_str());
  } else if (const std::string none = text_of(explanation, "no_change"); !none.empty()) {
    std::printf("\nno change is suggested: %s\n", none.c_str());
  }
  if (const json::Value* today = explanation.find("today")) std::printf("\n%s\n", text_of(*today, "sentence").c_str());
  if (const auto* notes = explanation.find_array("notes")) {
    for (const json::Value& note : *notes) std::printf("\nnote: %s\n", safe(*note.as_string()).c_str());
  }
}

}  // namespace writ::cli::admin
