#pragma once

// A deployment in memory for the tests of this folder.

#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "adapters/memory/object_store.h"
#include "adapters/yaml/yaml.h"
#include "admin/api.h"

namespace writ::admin {

class FixedClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time = from_unix_seconds(1'800'000'000);
};

constexpr const char* kAdminToken = "admin-token-0123456789abcdef";
constexpr const char* kAuditorToken = "auditor-token-0123456789abcdef";
constexpr const char* kInactiveToken = "inactive-token-0123456789abcdef";

constexpr const char* kSample = R"(
groups: [{id: eng}, {id: sales}]
users: [{id: usr_alice, name: alice, groups: [eng], password_hash: $argon2id$x}, {id: usr_bob, name: bob}]
resource_authorization_servers: [{issuer: https://ras.example}]
agents: [{id: cursor, idp: {client_id: cursor, secret: 0123456789abcdefghijkl}}]
servers: [{id: files, resource: https://mcp.example/files, resource_authorization_server: https://ras.example, scopes: [{name: read}]}]
api_tokens:
  - {id: ci, role: admin, token: admin-token-0123456789abcdef}
  - {id: eye, role: auditor, token: auditor-token-0123456789abcdef}
  - {id: old, role: admin, active: false, token: inactive-token-0123456789abcdef}
)";
constexpr const char* kGrants = "grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n";

class AdminWorld : public testing::Test {
 protected:
  AdminWorld() { open(); }
  void open() {
    auto opened = Administration::open({store, log, log, registry, policy, clock, [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); }, nullptr, "", nullptr, &documents_store});
    if (!opened) throw std::runtime_error(opened.error());
    administration = std::move(opened).value();
    approvals = std::move(*approvals::Requests::open(documents_store));
    api.emplace(Api{*administration, nullptr, nullptr, {}, &shadow_counts, approvals.get()});
    router = routes(*api);
  }
  Change documents(const std::string& text) {
    const auto root = yaml::parse(text, "f.yaml");
    EXPECT_TRUE(root);
    registry::Reading reading;
    Change change;
    change.declared = registry::read_objects(*root, reading);
    change.spoken_of = registry::collections_of(*root);
    EXPECT_FALSE(registry::has_errors(reading.problems)) << registry::to_string(reading.problems);
    return change;
  }
  Result<Changed, ChangeFailure> apply(Change change) {
    Actor actor{"start", "", Actor::Role::admin, false, ""};
    return run<Result<Changed, ChangeFailure>>(administration->change(std::move(actor), std::move(change)));
  }
  void fill() {
    Change change = documents(kSample);
    change.policy = policy::BundleFiles{{"grants.yaml", kGrants}};
    const auto done = apply(std::move(change));
    ASSERT_TRUE(done) << describe(done.error());
  }
  http::Response call(std::string method, std::string path, std::string token = kAdminToken, std::string body = "", http::Headers headers = {}) {
    http::Request request;
    request.method = std::move(method);
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = path.substr(question + 1);
    request.headers = std::move(headers);
    request.peer.address = "127.0.0.1";
    if (token == "socket") {
      request.peer.local_socket = true;
    } else if (!token.empty()) {
      request.headers.add("Authorization", "Bearer " + token);
    }
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    return run<http::Response>(router.handle(request));
  }
  static json::Value body_of(const http::Response& response) {
    const auto value = json::parse(response.body);
    EXPECT_TRUE(value) << response.body;
    return value ? *value : json::Value();
  }
  bool may_connect(const std::string& group) {
    policy::Question question;
    question.principal.groups = {group};
    question.agent.id = "cursor";
    question.server.id = "files";
    return policy.get()->decide(question).allowed;
  }
  static std::string more_of(const audit::Record& record, std::string_view name) {
    for (const auto& [key, value] : record.more) {
      if (key == name) return value;
    }
    return "";
  }

  memory::MemoryObjectStore store;
  memory::MemoryDocuments documents_store;
  policy::ShadowCounts shadow_counts;
  std::unique_ptr<approvals::Requests> approvals;
  memory::MemoryDecisionsLog log;
  registry::Current registry{std::make_shared<registry::Snapshot>(registry::Objects{}, 0)};
  policy::Current policy;
  FixedClock clock;
  std::unique_ptr<Administration> administration;
  std::optional<Api> api;
  http::Router router;
};

}  // namespace writ::admin
