#include "command.h"

#include <cstdio>

namespace writ::cli {

void fail(Run& run, Exit exit, const std::string& sentence, json::Value more) {
  run.exit = exit;
  if (!run.json) {
    std::fprintf(stderr, "writ: %s\n", sentence.c_str());
    return;
  }
  json::Value error{{"error", sentence}, {"exit", static_cast<int>(exit)}};
  if (const auto* object = more.as_object()) {
    for (const auto& member : *object) error.set(member.name, member.value);
  }
  std::fprintf(stderr, "%s\n", json::write(error).c_str());
}

void print_json(const json::Value& value) { print_line(json::write(value)); }

void print_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

}  // namespace writ::cli
