#pragma once

// A word of the command line as plain data: what help shows, for whoever shows it in another way.

#include <string>
#include <vector>

namespace writ::cli {

struct WordOption {
  std::vector<std::string> names;        // with their dashes: "-c", "--config"
  std::string description;
  bool takes_value = false;
  std::vector<std::string> choices;      // the only values, when there are such
};

struct Word {
  std::string name, description;
  std::vector<WordOption> options;
  std::vector<Word> words;
  bool takes_argument = false;           // something else than an option or a word may stand behind it
  bool inherits_options = true;          // those of the words around it may stand behind it, too
};

}  // namespace writ::cli
