#pragma once

// A directory's requests against objects in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "registry/plan.h"
#include "scim/endpoint.h"

namespace writ::scim {

class FixedClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time = from_unix_seconds(1'800'000'000);
};

// Plans and applies as the program does, with a history.
class MemoryDirectory final : public Directory {
 public:
  explicit MemoryDirectory(registry::Current& current) : current_(current) {}

  Task<Result<void, DirectoryFailure>> change(Author author, Editing editing) override {
    if (is_down) co_return unexpected(DirectoryFailure(Unavailable{"store"}));
    const auto snapshot = current_.get();
    auto edit = editing(*snapshot, catalogue_);
    if (!edit) co_return unexpected(DirectoryFailure(edit.error()));
    last_note = edit->note;
    co_return apply_edit(*edit, name_of(author.connector));
  }
  Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> history(registry::ObjectKind kind, std::string id) override {
    if (is_down) co_return unexpected(Unavailable{"store"});
    auto versions = history_[{kind, id}];
    std::reverse(versions.begin(), versions.end());
    co_return versions;
  }

  Result<void, DirectoryFailure> apply_edit(const Edit& edit, const std::string& author) {
    registry::PlanRules rules;
    rules.removals = edit.removed;
    const auto snapshot = current_.get();
    rules.before = snapshot.get();
    return apply_declared(declarations_of(edit), rules, author);
  }
  // What an administrator writes.
  Result<void, DirectoryFailure> administer(const json::Value& documents) {
    registry::Reading reading;
    auto declared = registry::read_objects(registry::from_json(documents), reading);
    EXPECT_FALSE(registry::has_errors(reading.problems)) << registry::to_string(reading.problems);
    return apply_declared(std::move(declared), {}, "local");
  }

  bool is_down = false;
  int changes = 0;
  std::string last_note;

 private:
  Result<void, DirectoryFailure> apply_declared(std::vector<registry::Declared> declared, const registry::PlanRules& rules, const std::string& author) {
    const registry::Plan plan = registry::plan(catalogue_, std::move(declared), rules);
    if (plan.has_errors()) return unexpected(DirectoryFailure(NotAccepted{registry::to_string(plan.problems)}));
    if (plan.changes.empty()) return {};
    ++changes;
    registry::ChangeSet set;
    set.writes = registry::writes_of(plan);
    registry::apply(catalogue_, set, catalogue_.sequence + 1);
    for (const auto& write : set.writes) history_[{write.kind, write.key}].push_back({catalogue_.sequence, {}, author, "", "", write.document});
    current_.set(std::make_shared<registry::Snapshot>(plan.objects, catalogue_.sequence));
    return {};
  }

  registry::Current& current_;
  registry::Catalogue catalogue_;
  std::map<std::pair<registry::ObjectKind, std::string>, std::vector<registry::ObjectVersion>> history_;
};

constexpr const char* kCorp = "corp-token-0123456789abcdef";
constexpr const char* kOther = "other-token-0123456789abcdef";
constexpr const char* kAdmin = "admin-token-0123456789abcdef";
constexpr const char* kOld = "old-token-0123456789abcdef";
constexpr const char* kOff = "off-token-0123456789abcdef";

constexpr const char* kDeployment = R"({
"identity_connectors": [
  {"id": "corp", "issuer": "https://sso.corp.example", "client_id": "w", "client_authentication": "none", "scim": true, "domains": ["corp.example"], "match": "userName=preferred_username"},
  {"id": "other", "issuer": "https://sso.other.example", "client_id": "w", "client_authentication": "none", "scim": true, "match": "externalId=sub"},
  {"id": "off", "issuer": "https://sso.off.example", "client_id": "w", "client_authentication": "none", "scim": true, "active": false}],
"groups": [{"id": "eng"}],
"users": [{"id": "usr_root", "name": "root", "password_hash": "$argon2id$x"}, {"id": "usr_erin", "name": "Erin", "groups": ["eng"]},
          {"id": "usr_zoe", "name": "zoe", "links": [{"issuer": "https://sso.other.example", "subject": "z-1"}]}],
"api_tokens": [{"id": "scim-corp", "role": "scim", "connector": "corp", "token": "corp-token-0123456789abcdef"},
  {"id": "scim-other", "role": "scim", "connector": "other", "token": "other-token-0123456789abcdef"},
  {"id": "scim-off", "role": "scim", "connector": "off", "token": "off-token-0123456789abcdef"},
  {"id": "scim-old", "role": "scim", "connector": "corp", "active": false, "token": "old-token-0123456789abcdef"},
  {"id": "ci", "role": "admin", "token": "admin-token-0123456789abcdef"}]})";

class ScimWorld : public testing::Test {
 protected:
  ScimWorld() {
    EXPECT_TRUE(directory.administer(*json::parse(kDeployment)));
    kept = std::move(*KeptAttributes::open(documents));
    endpoint.reset(new Endpoint{"https://writ.example", clock, registry, directory, *kept, log});
    router = routes(*endpoint);
  }

  struct Answer {
    int status;
    json::Value body;
    http::Headers headers;
    std::string text;
    std::string type() const { return body.find_string("scimType") ? *body.find_string("scimType") : ""; }
    std::string id() const { return body.find_string("id") ? *body.find_string("id") : ""; }
  };
  Answer call(const std::string& method, const std::string& target, const std::string& body = "", const std::string& token = kCorp, http::Headers headers = {}) {
    http::Request request;
    request.method = method;
    const auto question = target.find('?');
    request.path = "/scim/v2" + target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.headers = std::move(headers);
    request.peer.address = "192.0.2.7";
    if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
    if (!body.empty() && !request.headers.find("Content-Type")) request.headers.add("Content-Type", "application/scim+json");
    request.body = body;
    const http::Response response = run<http::Response>(router.handle(request));
    const auto value = json::parse(response.body);
    return {response.status, value ? *value : json::Value(), response.headers, response.body};
  }
  static std::string patch(const std::string& operations) { return R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[)" + operations + "]}"; }
  std::string make(const std::string& name, const std::string& more = "") {
    const Answer made = call("POST", "/Users", R"({"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":")" + name + "\"" + more + "}");
    EXPECT_EQ(made.status, 201) << made.text;
    return made.id();
  }
  std::string make_group(const std::string& name, const std::string& more = "") {
    const Answer made = call("POST", "/Groups", R"({"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":")" + name + "\"" + more + "}");
    EXPECT_EQ(made.status, 201) << made.text;
    return made.id();
  }
  const registry::User& user(const std::string& id) {
    snapshot = registry.get();
    const registry::User* found = snapshot->user(id);
    if (!found) throw std::runtime_error("no user " + id);
    return *found;
  }
  std::int64_t total(const Answer& answer) { return answer.body.find_int("totalResults") ? *answer.body.find_int("totalResults") : -1; }

  FixedClock clock;
  registry::Current registry{std::make_shared<registry::Snapshot>(registry::Objects{}, 0)};
  std::shared_ptr<const registry::Snapshot> snapshot;
  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  MemoryDirectory directory{registry};
  std::unique_ptr<KeptAttributes> kept;
  std::unique_ptr<Endpoint> endpoint;
  http::Router router;
};

}  // namespace writ::scim
