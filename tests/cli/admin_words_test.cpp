// The administrator's words of the command line, run as people run them, against the admin API on a local socket.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "adapters/memory/object_store.h"
#include "adapters/net/event_loops.h"
#include "adapters/net/server.h"
#include "adapters/yaml/yaml.h"
#include "admin/api.h"
#include "admin/shadow_log.h"
#include "base/clock.h"

namespace writ {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Ran {
  int exit_code = -1;
  std::string out, err;
};

class AdminWords : public testing::Test {
 protected:
  AdminWords() {
    folder_ = std::filesystem::temp_directory_path() / ("writ-cli-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "deployment");
    auto opened = admin::Administration::open({store_, log_, log_, registry_, policy_, clock_, [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); }, nullptr, "", nullptr, &documents_});
    administration_ = std::move(opened).value();
    requests_ = std::move(*approvals::Requests::open(documents_));
    api_.emplace(admin::Api{*administration_, nullptr, nullptr, {}, &shadow_log_.counts(), requests_.get()});
    router_ = admin::routes(*api_);
    net::Listener listener;
    listener.address.clear();
    listener.unix_path = folder_ / "admin.sock";
    listener.handler = [this](const http::Request& request) { return router_.handle(request); };
    const auto listening = server_.listen(std::move(listener));
    if (!listening) throw std::runtime_error(listening.error());
    net::Listener network;
    network.handler = [this](const http::Request& request) { return router_.handle(request); };
    port_ = server_.listen(std::move(network)).value();
    write("deployment/people.yaml", "groups: [{id: eng}]\nusers:\n  - {name: alice, groups: [eng], password_file: alice.password}\n");
    write("deployment/agents.yaml", "agents: [{id: cursor, idp: {client_id: cursor}}]\napi_tokens: [{id: ci, role: admin, token_file: ../ci.token}, {id: eye, role: auditor, token_file: ../eye.token}]\n");
    write("deployment/servers.yaml", "resource_authorization_servers: [{issuer: https://ras.example}]\nservers: [{id: files, resource: https://mcp.example/files, resource_authorization_server: https://ras.example}]\n");
    write("deployment/grants.yaml", "grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n");
    write("deployment/alice.password", "geheim\n");
    write("ci.token", "ci-token-0123456789abcdef\n");
    write("eye.token", "eye-token-0123456789abcdef\n");
  }
  ~AdminWords() override {
    server_.drain(std::chrono::milliseconds(0));
    std::filesystem::remove_all(folder_);
  }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::ofstream(folder_ / name) << text;
    ::chmod((folder_ / name).c_str(), mode);
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Ran writ(const std::string& arguments, const std::string& input = "", bool by_socket = true) {
    write("input", input);
    const std::string reach = by_socket ? "WRIT_SOCKET='" + (folder_ / "admin.sock").string() + "' " : "";
    const std::string command = "cd '" + folder_.string() + "' && " + reach + "timeout 60 '" WRIT_COMMAND "' " + arguments + " < input > out 2> err";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(folder_ / "out"), read(folder_ / "err")};
  }
  void fill() {
    const Ran ran = writ("apply -f deployment");
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
  }

  std::filesystem::path folder_;
  SystemClock clock_;
  memory::MemoryObjectStore store_;
  memory::MemoryDecisionsLog log_;
  memory::MemoryDocuments documents_;
  admin::ShadowLog shadow_log_{log_};
  std::unique_ptr<approvals::Requests> requests_;
  registry::Current registry_{std::make_shared<registry::Snapshot>(registry::Objects{}, 0)};
  policy::Current policy_;
  std::unique_ptr<admin::Administration> administration_;
  std::optional<admin::Api> api_;
  http::Router router_;
  net::EventLoops loops_{1};
  net::Server server_{loops_, {}};
  std::uint16_t port_ = 0;
};

TEST_F(AdminWords, ApplyPlansChangesAndIsIdempotent) {
  const Ran planned = writ("apply -f deployment --plan");
  EXPECT_EQ(planned.exit_code, 7) << planned.err;
  EXPECT_THAT(planned.out, HasSubstr("+ agent cursor\n"));
  EXPECT_TRUE(administration_->is_empty()) << "a plan changes nothing";
  const Ran applied = writ("apply -f deployment -m 'first'");
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("applied as change 1\n"));
  EXPECT_NE(registry_.get()->user_by_name("alice"), nullptr);
  EXPECT_NE(policy_.get()->version(), "none");
  const Ran again = writ("apply -f deployment --plan");
  EXPECT_EQ(again.exit_code, 0) << again.out;
  EXPECT_EQ(again.out, "nothing to do\n");
  const json::Value machine = json::parse(writ("apply -f deployment --json").out).value_or(json::Value());
  EXPECT_EQ(*machine.find_bool("applied"), false);
}

TEST_F(AdminWords, ApplyNamesFileLineAndColumn) {
  fill();
  write("deployment/people.yaml", "groups: [{id: eng}]\nusers:\n  - {name: alice, groups: [egn]}\n");
  const Ran reference = writ("apply -f deployment");
  EXPECT_EQ(reference.exit_code, 1);
  EXPECT_EQ(reference.err, "deployment/people.yaml:3:28: error: there is no group `egn`; did you mean `eng`?\n") << "found by the server, told by its place in the file";
  write("deployment/people.yaml", "groups: [{id: eng}]\nusers:\n  - {name: alice, grups: [eng]}\n");
  EXPECT_THAT(writ("apply -f deployment").err, HasSubstr("deployment/people.yaml:3:19: error: unknown key `grups` in a user; did you mean `groups`?"));
  write("deployment/people.yaml", "groups: [{id: eng}]\nusers:\n  - {name: alice, groups: [eng], password_file: alice.password}\n");
  write("deployment/alice.password", "geheim", 0644);
  EXPECT_THAT(writ("apply -f deployment").err, HasSubstr("deployment/people.yaml:3:49: error: `deployment/alice.password` holds a secret and is open to others (mode 0644)"));
}

TEST_F(AdminWords, ApplyPrunesOnlyWhenAsked) {
  fill();
  write("deployment/servers.yaml", "resource_authorization_servers: [{issuer: https://ras.example}]\nservers: []\n");
  write("deployment/grants.yaml", "grants: []\n");
  const Ran kept = writ("apply -f deployment");
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_THAT(kept.out, HasSubstr("no longer in the files, and kept (--prune removes):\n    servers/files\n"));
  EXPECT_NE(registry_.get()->server("files"), nullptr);
  EXPECT_EQ(writ("apply -f deployment --prune").exit_code, 0);
  EXPECT_EQ(registry_.get()->server("files"), nullptr);
}

TEST_F(AdminWords, ApplyGuardsTheLastAdministrator) {
  fill();
  write("tokens.yaml", "api_tokens: []\n");
  const Ran refused = writ("apply -f tokens.yaml --prune");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("the last administrator"));
  EXPECT_EQ(writ("apply -f tokens.yaml --prune --lock-me-out").exit_code, 0);
}

TEST_F(AdminWords, EditOneObjectAtATime) {
  fill();
  EXPECT_EQ(writ("user add bob email=bob@example.com 'groups=[eng]'").exit_code, 0);
  EXPECT_EQ(registry_.get()->user_by_name("bob")->email, "bob@example.com");
  EXPECT_EQ(writ("user add bob").exit_code, 1) << "he is there already";
  EXPECT_EQ(writ("user edit bob title=Boss").exit_code, 0);
  EXPECT_EQ(registry_.get()->user_by_name("bob")->title, "Boss");
  EXPECT_EQ(writ("user disable bob").exit_code, 0);
  EXPECT_FALSE(registry_.get()->user_by_name("bob")->active);
  EXPECT_EQ(writ("user enable bob").exit_code, 0);
  EXPECT_TRUE(registry_.get()->user_by_name("bob")->active);
  EXPECT_THAT(writ("user list").out, HasSubstr("bob@example.com"));
  const Ran unknown = writ("user show bbo");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("there is no user `bbo`; did you mean `bob`?"));
  EXPECT_EQ(writ("user password bob", "neues-passwort\n").exit_code, 0);
  EXPECT_THAT(registry_.get()->user_by_name("bob")->password_hash, testing::StartsWith("$argon2id$"));
  EXPECT_EQ(writ("user remove bob").exit_code, 0);
  EXPECT_EQ(registry_.get()->user_by_name("bob"), nullptr);
  EXPECT_EQ(writ("group remove eng").exit_code, 1) << "alice is in it";
  EXPECT_THAT(writ("agent show cursor --json").out, testing::StartsWith("{\"id\":\"cursor\""));
  EXPECT_THAT(writ("server list").out, HasSubstr("https://mcp.example/files"));
  EXPECT_THAT(writ("issuer list").out, HasSubstr("scope_ceiling"));
}

TEST_F(AdminWords, AgentSecretIsShownOnceAndKeptAsAHash) {
  fill();
  const Ran made = writ("agent secret cursor");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string secret = made.out.substr(0, made.out.find('\n'));
  EXPECT_GE(secret.size(), 43u);
  EXPECT_EQ(registry_.get()->agent("cursor")->idp->secrets.at(0).sha256_hex, registry::sha256_hex(Secret(secret)));
  EXPECT_THAT(writ("agent show cursor --json").out, Not(HasSubstr(secret)));
}

TEST_F(AdminWords, PolicyIsCheckedAppliedAndKept) {
  fill();
  EXPECT_THAT(writ("policy show").out, HasSubstr("grants:\n  - {group: eng"));
  std::filesystem::create_directories(folder_ / "bundle");
  write("bundle/grants.yaml", "grants:\n  - {group: eng, agents: [cursor], servers: [fils], scopes: all, tools: all}\n");
  const Ran wrong = writ("policy check bundle");
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("grants.yaml:2:46: error: there is no server `fils`; did you mean `files`?"));
  write("bundle/grants.yaml", "grants: []\n");
  EXPECT_EQ(writ("policy check bundle").exit_code, 0);
  const std::string before = policy_.get()->version();
  EXPECT_EQ(writ("policy apply bundle -m 'nobody for now'").exit_code, 0);
  EXPECT_NE(policy_.get()->version(), before);
  EXPECT_THAT(writ("policy history").out, HasSubstr("nobody for now"));
}

TEST_F(AdminWords, PolicyTestsAreRunAndGateActivation) {
  fill();
  std::filesystem::create_directories(folder_ / "bundle/policies");
  write("bundle/grants.yaml", "grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n");
  write("bundle/policies/prod.cedar", "@id(\"no-delete\")\nforbid(principal, action == Writ::Action::\"files/delete\", resource);\n");
  const std::string tests = "tests:\n  - {name: \"a <b> & #c\", user: alice, agent: cursor, tool: files/delete, expect: deny, by: no-delete}\n";
  write("bundle/policy-tests.yaml", tests);
  const Ran good = writ("policy test bundle");
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("1 passed, 0 failed\n1 of 2 policies and grants decided a test\n  no test needs grants.yaml:2: where it permits, a forbid decided\n"));

  write("bundle/policy-tests.yaml", tests + "  - {name: wrong, user: alice, agent: cursor, tool: files/delete, expect: allow}\n");
  const Ran bad = writ("policy test bundle");
  EXPECT_EQ(bad.exit_code, 7);
  EXPECT_THAT(bad.out, HasSubstr("policy-tests.yaml:3:5: failed: test `wrong`: alice through cursor: files/delete: expected allow, but it is denied by `no-delete` (policies/prod.cedar:1:1)\n1 passed, 1 failed\n"));
  EXPECT_THAT(writ("policy test bundle --tap").out, HasSubstr("TAP version 13\n1..2\nok 1 - a <b> & \\#c (alice through cursor: files/delete)\nnot ok 2 - wrong (alice through cursor: files/delete)\n  ---\n"));
  EXPECT_EQ(writ("policy test bundle --junit report.xml").exit_code, 7);
  EXPECT_THAT(read(folder_ / "report.xml"), HasSubstr("<testcase classname=\"policy-tests.yaml\" name=\"a &lt;b&gt; &amp; #c (alice"));
  EXPECT_THAT(read(folder_ / "report.xml"), HasSubstr("<failure message=\"expected allow"));
  EXPECT_THAT(writ("policy test bundle --json").out, HasSubstr("\"outcome\":\"failed\""));

  const std::string before = policy_.get()->version();
  for (const char* words : {"policy check bundle", "policy apply bundle -m 'by mistake'", "apply -f bundle"}) {
    const Ran refused = writ(words);
    EXPECT_EQ(refused.exit_code, 7) << words;
    EXPECT_THAT(refused.err, HasSubstr("policy-tests.yaml:3:5: error")) << words;
  }
  EXPECT_EQ(policy_.get()->version(), before);
  EXPECT_EQ(writ("policy apply bundle").exit_code, 2) << "the history says why";
  EXPECT_EQ(writ("policy test nothing-here").exit_code, 1);
}

TEST_F(AdminWords, PolicyVersionsAreShownComparedAndRestored) {
  fill();
  std::filesystem::create_directories(folder_ / "bundle");
  write("bundle/grants.yaml", "grants: []\n");
  ASSERT_EQ(writ("policy apply bundle -m 'nobody for now'").exit_code, 0);
  EXPECT_THAT(writ("policy show 1").out, HasSubstr("grants:\n  - {group: eng"));
  EXPECT_THAT(writ("policy show").out, HasSubstr("grants: []"));
  EXPECT_EQ(writ("policy show 9").exit_code, 1);
  const Ran compared = writ("policy compare 1 2");
  EXPECT_EQ(compared.exit_code, 7);
  EXPECT_EQ(compared.out, "--- version 1/grants.yaml\n+++ version 2/grants.yaml\n@@ -1,2 +1,1 @@\n-grants:\n-  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n+grants: []\n");
  EXPECT_EQ(writ("policy compare 2").exit_code, 0);
  EXPECT_EQ(writ("policy restore 1").exit_code, 2) << "without a reason";
  EXPECT_EQ(writ("policy restore 1 -m 'too strict'").exit_code, 0);
  EXPECT_THAT(writ("policy history --limit 1").out, HasSubstr("restores version 1: too strict"));
  EXPECT_THAT(writ("policy history --limit 1 --before 3").out, HasSubstr("nobody for now"));
  EXPECT_THAT(writ("policy history --all").out, HasSubstr("nobody for now"));
}

TEST_F(AdminWords, AuditAndWhy) {
  fill();
  EXPECT_THAT(writ("audit query --event administration").out, HasSubstr("object=agents/cursor  by=local"));
  EXPECT_THAT(writ("audit tail --once --json").out, HasSubstr("\"event\":\"policy_activated\""));
  EXPECT_EQ(writ("audit query --since never").exit_code, 1);
  audit::Commit denial;
  denial.record.event = audit::Event::call;
  denial.record.effect = audit::Effect::deny;
  denial.record.reason = "no_permit";
  denial.record.tool = "evil\x1b[2Jtool";
  const auto committed = run<Result<audit::Committed, Unavailable>>(log_.commit(std::move(denial)));
  const Ran why = writ("why " + audit::denial_code(committed->position));
  EXPECT_EQ(why.exit_code, 0) << why.err;
  EXPECT_THAT(why.out, HasSubstr("no_permit"));
  EXPECT_THAT(why.out, Not(HasSubstr("\x1b"))) << "a tool's name must not move the cursor";
  EXPECT_EQ(writ("why W-0000-00").exit_code, 1);
}

TEST_F(AdminWords, PolicyDiffSaysWhoGainsAndLoses) {
  fill();
  const Ran same = writ("policy diff deployment");
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(same.out, "nobody gains or loses anything\n");
  std::filesystem::create_directories(folder_ / "candidate");
  write("candidate/grants.yaml", read(folder_ / "deployment/grants.yaml"));
  write("candidate/no-write.cedar", "@id(\"no-write\") forbid(principal, action == Writ::Action::\"files/write\", resource);\n");
  const Ran lost = writ("policy diff candidate");
  EXPECT_EQ(lost.exit_code, 7) << lost.err;
  EXPECT_EQ(lost.out, "- 1 person loses files (tool write) through cursor: alice\n1 person loses access, nobody gains access\n");
  EXPECT_THAT(writ("policy diff candidate --json").out, HasSubstr("\"people_losing\":1"));
  ASSERT_EQ(writ("policy apply candidate -m safer").exit_code, 0);
  EXPECT_THAT(writ("policy diff 2 1").out, HasSubstr("+ 1 person gains files (tool write) through cursor: alice"));
  EXPECT_EQ(writ("policy diff 1 2").exit_code, 7);
  EXPECT_EQ(writ("policy diff 1 9").exit_code, 1);
  EXPECT_EQ(writ("policy diff").exit_code, 2);
  EXPECT_EQ(writ("policy diff candidate 2").exit_code, 2);
  write("candidate/no-write.cedar", "forbid(principal, action, resource) when { ;\n");
  const Ran broken = writ("policy diff candidate");
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_THAT(broken.err, HasSubstr("no-write.cedar"));
}

TEST_F(AdminWords, ApplyDiffShowsWhatObjectsDoAndChangesNothing) {
  fill();
  write("more.yaml", "users: [{name: bob, groups: [eng]}]\n");
  const Ran gained = writ("apply --diff -f more.yaml");
  EXPECT_EQ(gained.exit_code, 7) << gained.err;
  EXPECT_THAT(gained.out, HasSubstr("+ 1 person gains files (connect"));
  EXPECT_THAT(gained.out, HasSubstr("through cursor: bob"));
  EXPECT_THAT(writ("user list").out, Not(HasSubstr("bob")));
  EXPECT_EQ(writ("apply --diff -f deployment").exit_code, 0);
}

TEST_F(AdminWords, PolicyReplayTellsWhatWouldHaveComeOutOtherwise) {
  fill();
  audit::Commit call;
  call.record.event = audit::Event::call;
  call.record.effect = audit::Effect::allow;
  call.record.reason = "allowed";
  call.record.time = clock_.now();
  call.record.user = registry_.get()->objects().users.front().id;
  call.record.user_name = "alice";
  call.record.agent = "cursor";
  call.record.server = "files";
  call.record.tool = "write";
  call.record.action = "call";
  call.record.object_sequence = registry_.get()->sequence();
  const auto committed = run<Result<audit::Committed, Unavailable>>(log_.commit(std::move(call)));
  ASSERT_TRUE(committed);
  const Ran same = writ("policy replay deployment");
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_THAT(same.out, HasSubstr("1 the same, 0 newly denied"));
  std::filesystem::create_directories(folder_ / "candidate");
  write("candidate/grants.yaml", read(folder_ / "deployment/grants.yaml"));
  write("candidate/no-write.cedar", "@id(\"no-write\") forbid(principal, action == Writ::Action::\"files/write\", resource);\n");
  const Ran changed = writ("policy replay candidate --days 2");
  EXPECT_EQ(changed.exit_code, 7) << changed.err;
  EXPECT_THAT(changed.out, HasSubstr("newly denied"));
  EXPECT_THAT(changed.out, HasSubstr("files/write"));
  EXPECT_THAT(changed.out, HasSubstr(audit::denial_code(committed->position)));
  EXPECT_THAT(changed.out, HasSubstr("forbidden: no-write"));
  EXPECT_THAT(writ("policy replay candidate --since 1h --json").out, HasSubstr("\"newly_denied\":1"));
  EXPECT_EQ(writ("policy replay candidate --days 0").exit_code, 2);
  EXPECT_EQ(writ("policy replay nowhere").exit_code, 1);
}

TEST_F(AdminWords, CanSaysByWhichRuleAndWhatWouldHelp) {
  write("deployment/grants.yaml", "grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: [get_*]}\n");
  fill();
  const Ran allowed = writ("can alice files/get_x --via cursor --args '{}'");
  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_THAT(allowed.out, testing::StartsWith("allowed\n"));
  EXPECT_THAT(allowed.out, HasSubstr("alice may call `get_x` at `files` through `cursor`: allowed by grants.yaml:2:5"));
  const Ran denied = writ("can alice files/delete_x --via cursor");
  EXPECT_EQ(denied.exit_code, 3) << denied.err;
  EXPECT_THAT(denied.out, testing::StartsWith("denied\n"));
  EXPECT_THAT(denied.out, HasSubstr("came near:\n             grants.yaml:2 is for group `eng`; it gives the tools `get_*`, not `delete_x`\n"));
  EXPECT_THAT(denied.out, HasSubstr("smallest change: add `delete_x` to `tools` of the row at grants.yaml:2 (group `eng`)\n  nobody else is in that group\n"));
  const Ran as_json = writ("--json can alice files/delete_x --via cursor");
  EXPECT_EQ(as_json.exit_code, 3);
  const auto body = json::parse(as_json.out);
  ASSERT_TRUE(body) << as_json.out;
  EXPECT_EQ(*body->find("change")->find_string("value"), "delete_x");
  const Ran unknown = writ("can alise files --via cursor");
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.out, HasSubstr("refused before any policy is asked: there is no user `alise`; did you mean `alice`?"));
  EXPECT_EQ(writ("can alice files/get_x --via cursor --args nonsense").exit_code, 2);
  EXPECT_EQ(writ("can alice files --via cursor --age tomorrow").exit_code, 2);
  EXPECT_EQ(writ("can alice files").exit_code, 2) << "through which agent?";
}

TEST_F(AdminWords, WhyTellsThePolicyOfThen) {
  write("deployment/grants.yaml", "grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: [get_*]}\n");
  fill();
  audit::Commit commit;
  audit::Record& record = commit.record;
  record.event = audit::Event::call, record.effect = audit::Effect::deny, record.reason = "no_permit", record.time = clock_.now();
  record.user = registry_.get()->user_by_name("alice")->id, record.user_name = "alice", record.agent = "cursor", record.server = "files";
  record.action = "call", record.tool = "delete_x", record.policy_version = policy_.get()->version(), record.object_sequence = registry_.get()->sequence();
  const auto committed = run<Result<audit::Committed, Unavailable>>(log_.commit(std::move(commit)));
  write("deployment/grants.yaml", "grants:\n  - {group: eng, agents: all, servers: [files], scopes: all, tools: all}\n");
  ASSERT_EQ(writ("apply -f deployment").exit_code, 0);
  const Ran why = writ("why " + audit::denial_code(committed->position));
  EXPECT_EQ(why.exit_code, 0) << why.err;
  EXPECT_THAT(why.out, testing::StartsWith("alice may not call `delete_x` at `files` through `cursor`: nothing allows it\n"));
  EXPECT_THAT(why.out, HasSubstr("it gives the tools `get_*`, not `delete_x`"));
  EXPECT_THAT(why.out, HasSubstr("smallest change: add `delete_x`"));
  EXPECT_THAT(why.out, HasSubstr("asked today it would be allowed"));
  EXPECT_THAT(why.out, HasSubstr("the record:\n"));
}

TEST_F(AdminWords, ExitCodesTellWhatWentWrong) {
  fill();
  const std::string network = " --server http://127.0.0.1:" + std::to_string(port_);
  EXPECT_EQ(writ("user list" + network + " --token-file ci.token", "", false).exit_code, 0);
  EXPECT_EQ(writ("user edit alice title=x" + network + " --token-file eye.token", "", false).exit_code, 3) << "an auditor may not";
  write("wrong.token", "wrong-token-0123456789abcdef");
  EXPECT_EQ(writ("user list" + network + " --token-file wrong.token", "", false).exit_code, 4);
  EXPECT_EQ(writ("user list" + network, "", false).exit_code, 1) << "no token";
  write("open.token", "ci-token-0123456789abcdef", 0644);
  const Ran open = writ("user list" + network + " --token-file open.token", "", false);
  EXPECT_EQ(open.exit_code, 1);
  EXPECT_THAT(open.err, HasSubstr("open to others"));
  EXPECT_EQ(writ("user list --socket /nowhere", "", false).exit_code, 1);
  EXPECT_EQ(writ("user").exit_code, 2);
  EXPECT_EQ(writ("usr list").exit_code, 2);
  EXPECT_EQ(writ("apply").exit_code, 2);
  EXPECT_EQ(writ("--help").exit_code, 0);
}

TEST_F(AdminWords, ShadowIsWatchedAndPromoted) {
  fill();
  EXPECT_EQ(writ("policy shadow status").out, "nothing is being tried out\n");
  EXPECT_EQ(writ("policy shadow").exit_code, 2);
  std::filesystem::create_directories(folder_ / "candidate/policies");
  write("candidate/grants.yaml", "grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n");
  write("candidate/policies/a.cedar", "@id(\"closed\") forbid(principal, action, resource);\n");
  const Ran started = writ("policy shadow candidate -m 'close it'");
  ASSERT_EQ(started.exit_code, 0) << started.err;
  EXPECT_THAT(started.out, HasSubstr("enforces nothing"));
  EXPECT_THAT(writ("policy shadow status").out, HasSubstr("no disagreement in the last 24 h"));
  const std::string version = administration_->candidate()->bundle.version;
  for (int i = 0; i < 3; ++i) {
    audit::Commit commit;
    commit.record.event = audit::Event::call;
    commit.record.effect = audit::Effect::allow;
    commit.record.user = "usr_1", commit.record.user_name = "alice", commit.record.server = "files", commit.record.tool = "delete_all";
    commit.record.time = clock_.now();
    commit.record.more = {{"candidate_effect", "deny"}, {"candidate_policy", "closed"}, {"candidate_version", version}};
    ASSERT_TRUE((run<Result<audit::Committed, Unavailable>>(shadow_log_.commit(std::move(commit)))));
  }
  const Ran status = writ("policy shadow status");
  EXPECT_THAT(status.out, HasSubstr("would have blocked 3 calls by 1 person in 24 h\n"));
  EXPECT_THAT(status.out, HasSubstr("files/delete_all"));
  EXPECT_THAT(status.out, HasSubstr("candidate closed"));
  EXPECT_EQ(writ("policy promote --version 000000000000").exit_code, 1);
  const Ran promoted = writ("policy promote --version " + version.substr(0, 12));
  EXPECT_EQ(promoted.exit_code, 0) << promoted.err;
  EXPECT_EQ(policy_.get()->version(), version);
  EXPECT_EQ(writ("policy shadow stop").exit_code, 1);
}

TEST_F(AdminWords, ApprovalsForAdministrators) {
  fill();
  EXPECT_EQ(writ("approvals list --admin").out, "no call waits for approval\n");
  approvals::HeldCall call{"usr_1", "bob", "cursor", "files", "delete_all", "{\"path\":\"/\xE2\x80\xAE\"}", "", ""};
  const auto held = run<approvals::Requests::Holding>(requests_->hold(std::move(call), {{"look", "eng"}}, "eng look at this", clock_.now()));
  const std::string id = held->request.id;
  EXPECT_THAT(writ("approvals list --admin").out, HasSubstr("files/delete_all"));
  const Ran shown = writ("approvals show " + id + " --admin");
  EXPECT_THAT(shown.out, HasSubstr("{\"path\":\"/\\u202e\"}")) << "what nobody sees is shown";
  EXPECT_THAT(shown.out, HasSubstr("eng (policy look): not approved yet"));
  EXPECT_EQ(writ("approvals approve " + id + " --admin").exit_code, 1) << "break glass needs a reason";
  const std::string by_token = " --admin --server http://127.0.0.1:" + std::to_string(port_) + " --token-file ci.token";
  EXPECT_EQ(writ("approvals approve " + id + " -m x" + by_token, "", false).exit_code, 3) << "a token is no person";
  EXPECT_EQ(writ("approvals approve " + id + " -m 'nobody is awake' --admin").exit_code, 0);
  EXPECT_EQ(writ("approvals reject " + id + " --admin").exit_code, 0) << "approved and not used yet: it can still be stopped";
  EXPECT_EQ(writ("approvals show apr_none --admin").exit_code, 1);
  EXPECT_EQ(json::parse(writ("approvals list --admin --json").out)->as_array()->size(), 1u);
}

}  // namespace
}  // namespace writ
