#include "config/first_files.h"

#include <gtest/gtest.h>

#include <functional>

#include "adapters/yaml/yaml.h"
#include "config/config.h"
#include "registry/read.h"

namespace writ::config {
namespace {

registry::Problems problems_of(const std::map<std::string, std::string>& files) {
  registry::Problems problems;
  for (const auto& [name, text] : files) {
    const auto root = yaml::parse(text, name);
    if (!root) return root.error();
    if (name == "writ.yaml") {
      if (const auto config = read_config(*root, "/etc/writ/writ.yaml"); !config) return config.error();
    } else if (name != "deployment/grants.yaml") {
      registry::Reading reading;
      registry::read_objects(*root, reading);
      problems.insert(problems.end(), reading.problems.begin(), reading.problems.end());
    }
  }
  return problems;
}

Config config_of(const FirstAnswers& answers) {
  const auto files = first_files(answers);
  EXPECT_TRUE(files) << files.error();
  return std::move(*read_config(*yaml::parse(files->at("writ.yaml"), "writ.yaml"), "/etc/writ/writ.yaml"));
}

FirstAnswers https() {
  FirstAnswers answers;
  answers.base_url = "https://writ.example.com";
  answers.certificate = "/etc/writ/cert.pem";
  answers.key = "/etc/writ/key.pem";
  return answers;
}

FirstAnswers with_provider() {
  FirstAnswers answers;
  answers.provider = "https://login.example.com/v2.0";
  answers.provider_client_id = "writ";
  answers.provider_client_secret_file = "/etc/writ/provider.secret";
  answers.provider_domain = "example.com";
  answers.servers = {{"notes", "http://127.0.0.1:9000/mcp"}};
  return answers;
}

struct Good {
  const char* name;
  FirstAnswers answers;
};
class FirstFiles : public testing::TestWithParam<Good> {};

TEST_P(FirstFiles, AreReadWithoutAComplaint) {
  const auto files = first_files(GetParam().answers);
  ASSERT_TRUE(files) << files.error();
  EXPECT_TRUE(problems_of(*files).empty()) << registry::to_string(problems_of(*files));
}

FirstAnswers with(FirstAnswers answers, const std::function<void(FirstAnswers&)>& change) {
  change(answers);
  return answers;
}

INSTANTIATE_TEST_SUITE_P(Init, FirstFiles, testing::Values(
    Good{"nothing_was_said", {}},
    Good{"a_person_and_a_server", with({}, [](auto& a) { a.person = "alice", a.servers = {{"notes", "http://127.0.0.1:9000/mcp"}, {"files", "https://files.example.com/mcp"}}; })},
    Good{"https_with_a_certificate", https()},
    Good{"https_behind_a_proxy", with({}, [](auto& a) { a.base_url = "https://writ.example.com", a.trusted_proxies = {"10.0.0.0/8", "fd00::/8"}; })},
    Good{"the_companys_provider", with_provider()},
    Good{"and_its_group", with(with_provider(), [](auto& a) { a.provider_group = "/engineering"; })},
    Good{"postgresql", with({}, [](auto& a) { a.postgresql = "host=/run/postgresql dbname=writ", a.postgresql_password_file = "/etc/writ/pgpass"; })},
    Good{"text_that_yaml_would_read_otherwise", with({}, [](auto& a) { a.organisation = "Wéird: \"& #\" {Co}\nline", a.person = "true", a.data_directory = "/var/lib/writ: #1"; })}),
    [](const auto& row) { return row.param.name; });

struct Bad {
  const char* name;
  FirstAnswers answers;
  const char* says;
};
class FirstFilesRefused : public testing::TestWithParam<Bad> {};

TEST_P(FirstFilesRefused, ForAReason) {
  const auto files = first_files(GetParam().answers);
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().find(GetParam().says), std::string::npos) << files.error();
}

INSTANTIATE_TEST_SUITE_P(Init, FirstFilesRefused, testing::Values(
    Bad{"no_address", with({}, [](auto& a) { a.base_url = "writ.example.com"; }), "is no public address"},
    Bad{"http_elsewhere", with({}, [](auto& a) { a.base_url = "http://writ.example.com"; }), "is no public address"},
    Bad{"a_slash_at_the_end", with(https(), [](auto& a) { a.base_url += "/"; }), "without a slash at the end"},
    Bad{"https_with_nothing", with({}, [](auto& a) { a.base_url = "https://writ.example.com"; }), "needs a certificate and its key"},
    Bad{"a_certificate_without_key", with(https(), [](auto& a) { a.key.clear(); }), "a certificate needs its key"},
    Bad{"a_certificate_for_http", with({}, [](auto& a) { a.certificate = "c", a.key = "k"; }), "is http"},
    Bad{"a_provider_that_is_no_issuer", with(with_provider(), [](auto& a) { a.provider = "login.example.com"; }), "is no issuer"},
    Bad{"a_provider_without_client_id", with(with_provider(), [](auto& a) { a.provider_client_id.clear(); }), "client id"},
    Bad{"a_provider_without_secret", with(with_provider(), [](auto& a) { a.provider_client_secret_file.clear(); }), "client secret"},
    Bad{"a_provider_for_everybody", with(with_provider(), [](auto& a) { a.provider_domain.clear(); }), "everybody whom the provider knows"},
    Bad{"a_client_id_without_provider", with({}, [](auto& a) { a.provider_client_id = "writ"; }), "needs its issuer"}),
    [](const auto& row) { return row.param.name; });

TEST(FirstFiles, ListenWhereTheWorldCalls) {
  const auto listens = [](const FirstAnswers& answers) {
    const auto config = config_of(answers);
    return config.public_listener.address + " " + std::to_string(config.public_listener.port);
  };
  EXPECT_EQ(listens({}), "127.0.0.1 8420");
  EXPECT_EQ(listens(https()), "0.0.0.0 443");
  EXPECT_EQ(listens(with(https(), [](auto& a) { a.base_url = "https://writ.example.com:8443"; })), "0.0.0.0 8443");
  EXPECT_EQ(listens(with(https(), [](auto& a) { a.listen = "192.0.2.7:9443"; })), "192.0.2.7 9443");
}

TEST(FirstFiles, AllowNothingThatWasNotNamed) {
  const auto without = first_files({});
  EXPECT_NE(without->at("deployment/grants.yaml").find("grants: []"), std::string::npos);
  const auto with_one = first_files(with_provider());
  EXPECT_NE(with_one->at("deployment/grants.yaml").find(R"(servers: ["notes"])"), std::string::npos);
  EXPECT_NE(with_one->at("deployment/people.yaml").find("groups: {}"), std::string::npos) << "nobody of the provider is in the group by himself";
}

}  // namespace
}  // namespace writ::config
