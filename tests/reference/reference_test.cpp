// The examples of docs/reference and the samples of examples/ are read by the same code as an operator's files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "config/config.h"
#include "policy/bundle.h"
#include "registry/check.h"

namespace writ {
namespace {

const std::string kSource = WRIT_SOURCE_DIRECTORY;

std::string read(const std::string& path) {
  const auto text = yaml::read_text_file(kSource + "/" + path, 1 << 20);
  EXPECT_TRUE(text) << (text ? "" : text.error());
  return text.value_or("");
}

// The blocks of a page that are fenced as ```yaml or ```yaml WORD.
std::vector<std::string> blocks(const std::string& page, const std::string& fence) {
  std::vector<std::string> found;
  const std::string open = "```" + fence + "\n", text = read(page);
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at + 1)) {
    const std::size_t begin = at + open.size();
    found.push_back(text.substr(begin, text.find("\n```", begin) + 1 - begin));
  }
  return found;
}

struct Checked {
  registry::Objects objects;
  registry::Problems problems;
};
Checked check(const registry::Node& root) {
  registry::Reading reading;
  reading.secret_file = yaml::read_secret_file;
  std::vector<std::pair<registry::ObjectKind, json::Value>> documents;
  auto declared = registry::read_objects(root, reading);
  int made = 0;
  for (auto& object : declared) {
    if (object.key.empty()) object.document.set("id", "usr_" + std::to_string(++made));
    documents.emplace_back(object.kind, object.document);
  }
  Checked checked;
  checked.problems = reading.problems;
  auto objects = registry::read_all(documents);
  if (!objects) {
    checked.problems.insert(checked.problems.end(), objects.error().begin(), objects.error().end());
    return checked;
  }
  const auto more = registry::check_objects(*objects, registry::Places(declared));
  checked.problems.insert(checked.problems.end(), more.begin(), more.end());
  checked.objects = std::move(*objects);
  return checked;
}

std::string errors(const registry::Problems& problems) {
  std::string text;
  for (const auto& problem : problems) {
    if (!problem.is_warning) text += registry::to_string(problem) + "\n";
  }
  return text;
}

const auto kParse = [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); };

TEST(Reference, EveryConfigurationOfThePageIsGood) {
  const auto examples = blocks("docs/reference/configuration.md", "yaml");
  ASSERT_EQ(examples.size(), 2u);
  for (const std::string& example : examples) {
    const auto root = yaml::parse(example, "/etc/writ/writ.yaml");
    ASSERT_TRUE(root) << registry::to_string(root.error());
    const auto config = config::read_config(*root, "/etc/writ/writ.yaml");
    EXPECT_TRUE(config) << registry::to_string(config.error());
  }
}

TEST(Reference, TheValuesOfThePageAreTheDefaults) {
  const auto full = config::read_config(*yaml::parse(blocks("docs/reference/configuration.md", "yaml").at(1), "/w.yaml"), "/w.yaml");
  ASSERT_TRUE(full);
  const auto bare = config::read_config(*yaml::parse("base_url: https://writ.example.com\ndata: /var/lib/writ\n", "/w.yaml"), "/w.yaml");
  ASSERT_TRUE(bare);
  EXPECT_EQ(full->idp.issuer, bare->idp.issuer);
  EXPECT_EQ(full->idp.session_idle, bare->idp.session_idle);
  EXPECT_EQ(full->idp.session_absolute, bare->idp.session_absolute);
  EXPECT_EQ(full->idp.id_token_lifetime, bare->idp.id_token_lifetime);
  EXPECT_EQ(full->idp.access_token_lifetime, bare->idp.access_token_lifetime);
  EXPECT_EQ(full->idp.authorization_code_lifetime, bare->idp.authorization_code_lifetime);
  EXPECT_EQ(full->idp.id_jag_lifetime_max, bare->idp.id_jag_lifetime_max);
  EXPECT_EQ(full->idp.refresh_repeat, bare->idp.refresh_repeat);
  EXPECT_EQ(full->resource_as.issuer, bare->resource_as.issuer);
  EXPECT_EQ(full->resource_as.access_token_lifetime, bare->resource_as.access_token_lifetime);
  EXPECT_EQ(full->gateway.base, bare->gateway.base);
  EXPECT_EQ(full->gateway.call_deadline, bare->gateway.call_deadline);
  EXPECT_EQ(full->keys.rotate_after, bare->keys.rotate_after);
  EXPECT_EQ(full->keys.sealing_key_file, bare->keys.sealing_key_file);
  EXPECT_EQ(full->public_listener.port, bare->public_listener.port);
  EXPECT_EQ(full->public_listener.hosts, bare->public_listener.hosts);
  EXPECT_EQ(full->skew, bare->skew);
}

TEST(Reference, TheObjectsAndGrantsOfThePageAreGood) {
  const auto examples = blocks("docs/reference/objects.md", "yaml");
  ASSERT_EQ(examples.size(), 1u);
  const auto root = yaml::parse(examples[0], "objects.md");
  ASSERT_TRUE(root) << registry::to_string(root.error());
  Checked checked = check(*root);
  EXPECT_EQ(errors(checked.problems), "");
  const auto grants = blocks("docs/reference/objects.md", "yaml grants");
  ASSERT_EQ(grants.size(), 1u);
  const auto bundle = policy::read_bundle({{"grants.yaml", grants[0]}}, kParse);
  ASSERT_TRUE(bundle) << registry::to_string(bundle.error());
  EXPECT_EQ(registry::to_string(policy::check_bundle(*bundle, registry::Snapshot(std::move(checked.objects), 1))), "");
}

TEST(Reference, ThePolicyTestsOfThePageAreRead) {
  const auto tests = blocks("docs/reference/policy-tests.md", "yaml");
  ASSERT_EQ(tests.size(), 1u);
  const auto bundle = policy::read_bundle({{"grants.yaml", "grants: [{group: eng, agents: all, servers: [github], scopes: all, tools: all}]\n"},
                                           {"policies/prod.cedar", "@id(\"no-delete-in-prod\") forbid(principal, action, resource);"},
                                           {"policy-tests.yaml", tests[0]}},
                                          kParse);
  ASSERT_TRUE(bundle) << registry::to_string(bundle.error());
  EXPECT_EQ(bundle->tests.size(), 9u);
}

TEST(Samples, TheConformanceDeploymentIsGood) {
  const std::string folder = kSource + "/examples/conformance";
  const auto root = yaml::parse_file(folder + "/writ.yaml");
  ASSERT_TRUE(root) << registry::to_string(root.error());
  const auto config = config::read_config(*root, folder + "/writ.yaml", "/tmp/x");
  ASSERT_TRUE(config) << registry::to_string(config.error());
  EXPECT_EQ(config->data_directory, "/tmp/x");
  const auto objects = yaml::read_objects(config->objects_path);
  ASSERT_TRUE(objects) << registry::to_string(objects.error());
  Checked checked = check(*objects);
  EXPECT_EQ(errors(checked.problems), "");
  const registry::Snapshot snapshot(std::move(checked.objects), 1);
  EXPECT_EQ(snapshot.agent_at_idp("desk-at-idp")->id, "desk");
  EXPECT_EQ(snapshot.agent_at_resource_as(config->resource_as.issuer, "desk-at-ras").agent->id, "desk");
  EXPECT_NE(snapshot.trusted_issuer(config->idp.issuer), nullptr);
  EXPECT_EQ(snapshot.servers_of(config->resource_as.issuer).size(), 3u);
  const auto bundle = policy::read_bundle({{"grants.yaml", read("examples/conformance/deployment/grants.yaml")}}, kParse);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(registry::to_string(policy::check_bundle(*bundle, snapshot)), "");
  policy::Question question;
  question.agent.id = "desk";
  question.server.id = "everything";
  question.principal.groups = snapshot.groups_of(*snapshot.user_by_name("alice"));
  EXPECT_TRUE(bundle->policy->decide(question).allowed);
  question.principal.groups = snapshot.groups_of(*snapshot.user_by_name("bob"));
  EXPECT_FALSE(bundle->policy->decide(question).allowed);
}

}  // namespace
}  // namespace writ
