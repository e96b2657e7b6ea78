#include "completion.h"

#include <functional>
#include <string_view>

namespace writ::cli {
namespace {

// A word of the line where it stands: "writ policy check", with all options that may follow it.
struct Place {
  std::string path;
  const Word* word;
  std::vector<WordOption> options;
};

void collect(const Word& word, const std::string& before, const std::vector<WordOption>& inherited, std::vector<Place>& places) {
  Place place{before.empty() ? word.name : before + " " + word.name, &word, word.options};
  if (word.inherits_options) place.options.insert(place.options.end(), inherited.begin(), inherited.end());
  const std::string path = place.path;
  std::vector<WordOption> handed_on;
  for (const WordOption& option : place.options) {
    if (option.names.back() != "--help" && option.names.back() != "--version") handed_on.push_back(option);
  }
  places.push_back(std::move(place));
  for (const Word& inner : word.words) collect(inner, path, handed_on, places);
}

// Inside single quotes; how a quote stands there differs.
std::string quoted(std::string_view text, std::string_view quote_in_quotes) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += quote_in_quotes;
    else if (c == '\n') out += ' ';
    else out += c;
  }
  return out + "'";
}
std::string in_sh(std::string_view text) { return quoted(text, "'\\''"); }
std::string in_fish(std::string_view text) {
  std::string doubled;   // a backslash means something inside fish's single quotes
  for (const char c : text) doubled += c == '\\' ? std::string("\\\\") : std::string(1, c);
  return quoted(doubled, "\\'");
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : " ") + name;
  return out;
}

// One arm of a `case "$place|$word"` for each word and each option with a value.
std::string walk_arms(const std::vector<Place>& places, const char* indent) {
  std::string out;
  for (const Place& place : places) {
    for (const Word& inner : place.word->words) {
      out += std::string(indent) + in_sh(place.path + "|" + inner.name) + ") place=" + in_sh(place.path + " " + inner.name) + " ;;\n";
    }
    std::string patterns;
    for (const WordOption& option : place.options) {
      if (!option.takes_value) continue;
      for (const auto& name : option.names) patterns += (patterns.empty() ? "" : "|") + in_sh(place.path + "|" + name);
    }
    if (!patterns.empty()) out += indent + patterns + ") value_of=$word ;;\n";
  }
  return out;
}

// One arm for each option with fixed values; `offer` makes the command that offers them.
std::string choice_arms(const std::vector<Place>& places, const std::function<std::string(const WordOption&)>& offer) {
  std::string out;
  for (const Place& place : places) {
    for (const WordOption& option : place.options) {
      if (option.choices.empty()) continue;
      for (const auto& name : option.names) out += "      " + in_sh(place.path + "|" + name) + ") " + offer(option) + " ;;\n";
    }
  }
  return out;
}

std::string bash_script(const std::vector<Place>& places) {
  std::string out = R"(# Completion of writ for bash: source <(writ completion bash)
_writ() {
  local current=${COMP_WORDS[COMP_CWORD]} place=writ value_of= word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == = ]] && continue
    if [[ $value_of ]]; then value_of=; continue; fi
    case "$place|$word" in
)";
  out += walk_arms(places, "      ");
  out += R"(    esac
  done
  [[ $current == = ]] && current=
  if [[ $value_of ]]; then
    case "$place|$value_of" in
)";
  out += choice_arms(places, [](const WordOption& option) { return "mapfile -t COMPREPLY < <(compgen -W " + in_sh(joined(option.choices)) + " -- \"$current\")"; });
  out += R"(      *) mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2>/dev/null ;;
    esac
    return 0
  fi
  local words= options= files=
  case "$place" in
)";
  for (const Place& place : places) {
    std::vector<std::string> words, options;
    for (const Word& inner : place.word->words) words.push_back(inner.name);
    for (const WordOption& option : place.options) options.insert(options.end(), option.names.begin(), option.names.end());
    out += "    " + in_sh(place.path) + ") words=" + in_sh(joined(words)) + " options=" + in_sh(joined(options)) + " files=" + (place.word->takes_argument ? "1" : "") + " ;;\n";
  }
  out += R"(  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  elif [[ $files ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2>/dev/null
  fi
  return 0
}
complete -F _writ writ
)";
  return out;
}

// _describe takes "name:description" with colons of the name escaped; names have none.
std::string described(const std::string& name, const std::string& description) { return in_sh(name + ":" + description); }

std::string zsh_script(const std::vector<Place>& places) {
  std::string out = R"(#compdef writ
# Completion of writ for zsh: a file `_writ` in a folder of $fpath, or: source <(writ completion zsh)
_writ() {
  local place=writ value_of= word
  local -a offered
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    if [[ -n $value_of ]]; then value_of=; continue; fi
    case "$place|$word" in
)";
  out += walk_arms(places, "      ");
  out += R"(    esac
  done
  if [[ -n $value_of ]]; then
    case "$place|$value_of" in
)";
  out += choice_arms(places, [](const WordOption& option) { return "compadd -- " + joined(option.choices); });
  out += R"(      *) _files ;;
    esac
    return
  fi
  if [[ ${words[CURRENT]} == -* ]]; then
    case "$place" in
)";
  for (const Place& place : places) {
    out += "      " + in_sh(place.path) + ") offered=(";
    for (const WordOption& option : place.options) {
      for (const auto& name : option.names) out += described(name, option.description) + " ";
    }
    out += ") ;;\n";
  }
  out += R"(    esac
    _describe -t options option offered
    return
  fi
  case "$place" in
)";
  for (const Place& place : places) {
    if (place.word->words.empty()) {
      if (place.word->takes_argument) out += "    " + in_sh(place.path) + ") _files; return ;;\n";
      continue;
    }
    out += "    " + in_sh(place.path) + ") offered=(";
    for (const Word& inner : place.word->words) out += described(inner.name, inner.description) + " ";
    out += ") ;;\n";
  }
  out += R"(  esac
  (( ${#offered} )) && _describe -t commands word offered
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _writ "$@"; else compdef _writ writ; fi
)";
  return out;
}

std::string fish_script(const std::vector<Place>& places) {
  std::string out = R"(# Completion of writ for fish: writ completion fish > ~/.config/fish/completions/writ.fish
function __writ_at
  set -l place writ
  set -l value_of
  for word in (commandline -opc)[2..-1]
    if test -n "$value_of"
      set value_of
      continue
    end
    switch "$place|$word"
)";
  for (const Place& place : places) {
    for (const Word& inner : place.word->words) {
      out += "      case " + in_fish(place.path + "|" + inner.name) + "\n        set place " + in_fish(place.path + " " + inner.name) + "\n";
    }
    std::string patterns;
    for (const WordOption& option : place.options) {
      if (!option.takes_value) continue;
      for (const auto& name : option.names) patterns += " " + in_fish(place.path + "|" + name);
    }
    if (!patterns.empty()) out += "      case" + patterns + "\n        set value_of $word\n";
  }
  out += R"(    end
  end
  test "$place" = "$argv[1]"; and test -z "$value_of" -o "$argv[2]" = option
end
complete -c writ -f
)";
  for (const Place& place : places) {
    const std::string at = "complete -c writ -n " + in_fish("__writ_at " + in_fish(place.path));
    // The value of an option is asked for by the option's own line.
    const std::string option_at = "complete -c writ -n " + in_fish("__writ_at " + in_fish(place.path) + " option");
    for (const Word& inner : place.word->words) out += at + " -a " + in_fish(inner.name) + " -d " + in_fish(inner.description) + "\n";
    if (place.word->words.empty() && place.word->takes_argument) out += at + " -F\n";
    for (const WordOption& option : place.options) {
      out += option_at;
      for (const auto& name : option.names) out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.choices.empty()) out += " -x -a " + in_fish(joined(option.choices));
      else if (option.takes_value) out += " -r -F";
      out += " -d " + in_fish(option.description) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string completion_script(const Word& program, Shell shell) {
  std::vector<Place> places;
  collect(program, "", {}, places);
  switch (shell) {
    case Shell::bash: return bash_script(places);
    case Shell::zsh: return zsh_script(places);
    case Shell::fish: return fish_script(places);
  }
  return {};
}

}  // namespace writ::cli
