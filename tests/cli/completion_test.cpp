// The scripts that `writ completion` prints, run by the shells that they are for.

#include "completion.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace writ::cli {
namespace {

std::string output_of(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> piece{};
  for (std::size_t size = 0; (size = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) out.append(piece.data(), size);
  const int status = ::pclose(pipe);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0) << command << "\n" << out;
  return out;
}

bool has_shell(const char* name) { return std::system((std::string("command -v ") + name + " >/dev/null 2>&1").c_str()) == 0; }

std::set<std::string> words_in(const std::string& lines) {
  std::istringstream in(lines);
  std::set<std::string> words;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) words.insert(line.substr(0, line.find('\t')));
  }
  return words;
}

Word sample() {
  Word check{"check", "look at a bundle that isn't active", {{{"-f", "--file"}, "a folder", true, {}}, {{"--help"}, "help", false, {}}}, {}, false, true};
  Word policy{"policy", "who may what", {{{"--help"}, "help", false, {}}}, {check, {"show", "the active one", {}, {}, true, true}}, false, true};
  Word serve{"serve", "run", {{{"-c", "--config"}, "the configuration", true, {}}}, {}, false, false};
  return {"writ", "Writ", {{{"--json"}, "print JSON", false, {}}, {{"--socket"}, "the socket", true, {}}, {{"--colour"}, "when", true, {"always", "never"}}, {{"--version"}, "version", false, {}}},
          {policy, serve}, false, true};
}

class Completion : public testing::Test {
 protected:
  Completion() : folder_(std::filesystem::temp_directory_path() / ("writ-completion-" + std::to_string(::getpid()))) { std::filesystem::create_directories(folder_); }
  ~Completion() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  // What bash offers behind these words; the last one is being typed.
  std::set<std::string> bash(const std::string& script, const std::vector<std::string>& line) {
    std::string words;
    for (const auto& word : line) words += " '" + word + "'";
    const std::string test = write("test.bash", "source '" + script + "'\ncd '" + folder_.string() + "'\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_writ\n"
                                   "(( ${#COMPREPLY[@]} )) && printf '%s\\n' \"${COMPREPLY[@]}\"\nexit 0\n");
    return words_in(output_of("bash --norc '" + test + "'"));
  }
  std::set<std::string> fish(const std::string& script, const std::string& line) {
    const std::string test = write("test.fish", "source '" + script + "'\ncd '" + folder_.string() + "'\ncomplete -C '" + line + "'\n");
    return words_in(output_of("HOME='" + folder_.string() + "' fish --no-config '" + test + "'"));
  }

  std::filesystem::path folder_;
};

TEST_F(Completion, OfBashOffersWhatHelpShows) {
  const std::string script = write("writ.bash", completion_script(sample(), Shell::bash));
  using Set = std::set<std::string>;
  EXPECT_EQ(bash(script, {"writ", ""}), (Set{"policy", "serve"}));
  EXPECT_EQ(bash(script, {"writ", "po"}), (Set{"policy"}));
  EXPECT_EQ(bash(script, {"writ", "policy", ""}), (Set{"check", "show"}));
  EXPECT_EQ(bash(script, {"writ", "--json", "policy", "c"}), (Set{"check"}));
  EXPECT_EQ(bash(script, {"writ", "--socket", "serve", "policy", ""}), (Set{"check", "show"})) << "the value of an option is no word";
  EXPECT_EQ(bash(script, {"writ", "policy", "check", "-"}), (Set{"-f", "--file", "--help", "--json", "--socket", "--colour"}));
  EXPECT_EQ(bash(script, {"writ", "serve", "-"}), (Set{"-c", "--config"})) << "another program parses what stands behind it";
  EXPECT_EQ(bash(script, {"writ", "policy", "--colour", ""}), (Set{"always", "never"}));
  EXPECT_EQ(bash(script, {"writ", "policy", "--colour", "=", "al"}), (Set{"always"}));
  EXPECT_EQ(bash(script, {"writ", "policy", "nonsense", ""}), (Set{"check", "show"}));
  EXPECT_EQ(bash(script, {"writ", "policy", "check", ""}), Set{}) << "nothing can stand there";
  write("bundle.yaml", "");
  EXPECT_EQ(bash(script, {"writ", "policy", "check", "-f", "bun"}), (Set{"bundle.yaml"}));
  EXPECT_EQ(bash(script, {"writ", "policy", "show", "bun"}), (Set{"bundle.yaml"}));
}

TEST_F(Completion, OfFishOffersWhatHelpShows) {
  if (!has_shell("fish")) GTEST_SKIP() << "fish is not here";
  const std::string script = write("writ.fish", completion_script(sample(), Shell::fish));
  using Set = std::set<std::string>;
  EXPECT_EQ(fish(script, "writ "), (Set{"policy", "serve"}));
  EXPECT_EQ(fish(script, "writ policy "), (Set{"check", "show"}));
  EXPECT_EQ(fish(script, "writ --socket serve policy c"), (Set{"check"}));
  EXPECT_EQ(fish(script, "writ policy check --"), (Set{"--file", "--help", "--json", "--socket", "--colour"}));
  EXPECT_EQ(fish(script, "writ policy --colour "), (Set{"always", "never"}));
}

TEST_F(Completion, OfZshIsAFunctionThatZshReads) {
  if (!has_shell("zsh")) GTEST_SKIP() << "zsh is not here";
  const std::string script = write("_writ", completion_script(sample(), Shell::zsh));
  // The builtins that only work while somebody types are replaced: they say what they were given.
  const std::string test = write("test.zsh", "compdef() { :; }\n_files() { print files; }\ncompadd() { shift; print -l -- \"$@\"; }\n_describe() { print -l -- \"${(@P)${@[-1]}}\"; }\nsource '" + script +
                                 "'\nwords=(writ policy ''); CURRENT=3; _writ\nprint next\nwords=(writ policy --colour ''); CURRENT=4; _writ\nprint next\nwords=(writ policy check -); CURRENT=4; _writ\n"
                                 "print next\nwords=(writ policy show ''); CURRENT=4; _writ\n");
  EXPECT_EQ(output_of("zsh -f '" + test + "'"),
            "check:look at a bundle that isn't active\nshow:the active one\nnext\nalways\nnever\nnext\n-f:a folder\n--file:a folder\n--help:help\n--json:print JSON\n--socket:the socket\n--colour:when\nnext\nfiles\n");
}

// Every word that help of the real program shows is offered, and nothing else.
TEST_F(Completion, OfTheProgramKnowsEveryWord) {
  const std::string script = write("real.bash", output_of(std::string(WRIT_COMMAND) + " completion bash"));
  std::vector<std::vector<std::string>> paths{{}};
  std::size_t seen = 0;
  while (!paths.empty()) {
    const auto path = paths.back();
    paths.pop_back();
    std::string command = WRIT_COMMAND;
    std::vector<std::string> line{"writ"};
    for (const auto& word : path) command += " " + word, line.push_back(word);
    // "Subcommands:\n  login   sign in once …"
    const std::string help = output_of(command + " --help");
    std::set<std::string> shown;
    const auto at = help.find("Subcommands:\n");
    std::istringstream lines(at == std::string::npos ? "" : help.substr(at + 13));
    for (std::string text; std::getline(lines, text);) {
      if (text.size() > 2 && text.starts_with("  ") && text[2] != ' ') shown.insert(text.substr(2, text.find(' ', 2) - 2));
    }
    line.emplace_back();
    if (!shown.empty()) {
      EXPECT_EQ(bash(script, line), shown) << command;
    }
    for (const auto& word : shown) {
      paths.push_back(path);
      paths.back().push_back(word);
    }
    ++seen;
  }
  EXPECT_GT(seen, 60U);
}

}  // namespace
}  // namespace writ::cli
