#include "registry/upstream_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/check.h"
#include "registry/read.h"

namespace writ::registry {
namespace {

using testing::HasSubstr;

struct Read {
  std::string errors;
  std::optional<UpstreamAddress> upstream;
};

Read read_upstream(const std::string& upstream) {
  const std::string text = "resource_authorization_servers: [{issuer: https://ras.example}]\n"
                           "servers:\n- id: s\n  resource: https://s.example/\n  resource_authorization_server: https://ras.example\n  upstream:\n" + upstream;
  Read out;
  const auto root = yaml::parse(text, "f.yaml");
  if (!root) return {to_string(root.error()), std::nullopt};
  Reading reading;
  const auto declared = read_objects(*root, reading);
  Problems problems = reading.problems;
  if (!has_errors(problems)) {
    std::vector<std::pair<ObjectKind, json::Value>> documents;
    for (const auto& object : declared) documents.emplace_back(object.kind, object.document);
    const auto objects = read_all(documents);
    if (!objects) return {"not read back: " + to_string(objects.error()), std::nullopt};
    problems = check_objects(*objects, Places(declared));
    out.upstream = objects->servers[0].upstream;
  }
  for (const auto& problem : problems) out.errors += to_string(problem) + "\n";
  return out;
}

TEST(UpstreamProgram, IsReadWithItsDefaults) {
  const Read read = read_upstream("    program: {command: [/usr/bin/node, /opt/memory/index.js, --port, 80]}\n");
  ASSERT_EQ(read.errors, "");
  EXPECT_EQ(read.upstream->transport, UpstreamAddress::Transport::stdio);
  const UpstreamProgram& program = *read.upstream->program;
  EXPECT_EQ(program.command, (std::vector<std::string>{"/usr/bin/node", "/opt/memory/index.js", "--port", "80"}));
  EXPECT_EQ(program.runs, UpstreamProgram::Runs::per_principal);
  EXPECT_FALSE(program.network);
  EXPECT_EQ(program.memory_bytes_max, 512 << 20);
}

TEST(UpstreamProgram, EveryMemberComesBackFromTheDocumentThatIsWritten) {
  const Read read = read_upstream(
      "    era: legacy\n"
      "    program:\n"
      "      command: [/usr/bin/x, a, a, \"\"]\n"
      "      environment: {MODE: fast, PORT: 8080, DEBUG: true}\n"
      "      secret_environment: {KEY: /etc/writ/key}\n"
      "      runs: shared\n"
      "      network: true\n"
      "      read_paths: [/opt/x, /srv/data]\n"
      "      write_paths: [/srv/data/out]\n"
      "      memory: 2GiB\n"
      "      processes: 10\n"
      "      open_files: 100\n"
      "      idle: 5m\n"
      "      instances: 7\n");
  ASSERT_EQ(read.errors, "");
  EXPECT_EQ(json::write(write(*read.upstream->program)),
            R"({"command":["/usr/bin/x","a","a",""],"environment":{"DEBUG":"true","MODE":"fast","PORT":"8080"},"secret_environment":{"KEY":"/etc/writ/key"},"runs":"shared","network":true,)"
            R"("read_paths":["/opt/x","/srv/data"],"write_paths":["/srv/data/out"],"memory":"2GiB","processes":10,"open_files":100,"idle":300,"instances":7})");
}

struct Wrong {
  const char* name;
  const char* yaml;
  const char* expected;
};
class WrongPrograms : public testing::TestWithParam<Wrong> {};

TEST_P(WrongPrograms, AreRefusedWithWhatWouldBeRight) {
  const std::string errors = read_upstream(std::string("    ") + GetParam().yaml + "\n").errors;
  EXPECT_THAT(errors, HasSubstr(GetParam().expected));
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
}

INSTANTIATE_TEST_SUITE_P(
    UpstreamProgram, WrongPrograms,
    testing::Values(Wrong{"no_command", "program: {}", "`command` begins with the absolute path of a program"},
                    Wrong{"relative_command", "program: {command: [node, x.js]}", "`command` begins with the absolute path of a program"},
                    Wrong{"command_with_dots", "program: {command: [/usr/../bin/x]}", "`command` begins with the absolute path of a program"},
                    Wrong{"command_is_text", "program: {command: /usr/bin/x}", "`command` must be a list"},
                    Wrong{"word_is_a_list", "program: {command: [/usr/bin/x, [a]]}", "each word of `command` must be text"},
                    Wrong{"unknown_member", "program: {command: [/usr/bin/x], netwrok: true}", "unknown key `netwrok` in `program`; did you mean `network`?"},
                    Wrong{"bad_variable", "program: {command: [/usr/bin/x], environment: {\"a b\": x}}", "the name of a variable has letters, digits and _"},
                    Wrong{"loader_variable", "program: {command: [/usr/bin/x], environment: {LD_PRELOAD: /x.so}}", "change which code is loaded"},
                    Wrong{"variable_twice", "program: {command: [/usr/bin/x], environment: {A: x}, secret_environment: {A: f}}", "`A` stands in `environment` too"},
                    Wrong{"secret_without_a_file", "program: {command: [/usr/bin/x], secret_environment: {A: \"\"}}", "`A` needs the file that holds its value"},
                    Wrong{"value_is_a_list", "program: {command: [/usr/bin/x], environment: {A: [x]}}", "`environment/A` must be text"},
                    Wrong{"relative_path", "program: {command: [/usr/bin/x], read_paths: [data]}", "`data` must be an absolute path"},
                    Wrong{"path_with_dots", "program: {command: [/usr/bin/x], read_paths: [/srv/../etc]}", "must be an absolute path"},
                    Wrong{"the_root", "program: {command: [/usr/bin/x], read_paths: [/]}", "must be an absolute path"},
                    Wrong{"all_of_etc", "program: {command: [/usr/bin/x], read_paths: [/etc]}", "would show the program more than it is good for"},
                    Wrong{"a_part_of_proc", "program: {command: [/usr/bin/x], read_paths: [/proc/1]}", "would show the program more than it is good for"},
                    Wrong{"writes_to_the_system", "program: {command: [/usr/bin/x], write_paths: [/usr/local/share]}", "belongs to the system"},
                    Wrong{"memory_without_a_unit_it_knows", "program: {command: [/usr/bin/x], memory: 512M}", "for example 512MiB"},
                    Wrong{"too_little_memory", "program: {command: [/usr/bin/x], memory: 1MiB}", "at least 16MiB"},
                    Wrong{"no_instances", "program: {command: [/usr/bin/x], instances: 0}", "`instances` must be between 1 and 10000"},
                    Wrong{"unknown_runs", "program: {command: [/usr/bin/x], runs: per_user}", "`runs` must be `per_principal` or `shared`"},
                    Wrong{"with_a_header", "{program: {command: [/usr/bin/x]}, header: {name: X-Key, secret_file: k}}", "a program has no HTTP connection to put credentials on"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::registry
