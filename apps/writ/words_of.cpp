#include "words_of.h"

#include <CLI/CLI.hpp>

namespace writ::cli {
namespace {

// CLI11 keeps the set of IsMember only in the name of the type: "TEXT:{always,never}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  std::vector<std::string> choices;
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{'), end = type.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) return choices;
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

WordOption option_of(const CLI::Option& option) {
  WordOption read{{}, option.get_description(), option.get_items_expected_max() > 0, choices_of(option)};
  for (const auto& name : option.get_snames()) read.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) read.names.push_back("--" + name);
  return read;
}

}  // namespace

Word words_of(const CLI::App& app) {
  Word word{app.get_name(), app.get_description(), {}, {}, false, app.get_fallthrough()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) word.takes_argument = true;
    else word.options.push_back(option_of(*option));
  }
  for (const CLI::App* inner : app.get_subcommands([](const CLI::App* any) { return !any->get_group().empty(); })) word.words.push_back(words_of(*inner));
  return word;
}

}  // namespace writ::cli
