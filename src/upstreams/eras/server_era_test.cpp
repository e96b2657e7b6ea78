#include "upstreams/eras/server_era.h"

#include "upstreams/eras/eras_fixture.h"

namespace writ::upstreams {
namespace {

using Kind = EraEvidence::Kind;

struct Row {
  const char* what;
  int status;
  const char* media_type;
  const char* body;
  Kind kind;
  Speaks speaks = Speaks::legacy;
};

constexpr const char* kJson = "application/json";

const Row kAnswers[] = {
    {"a result with the modern version", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","result":{"supportedVersions":["2026-07-28"]}})", Kind::found, Speaks::modern},
    {"a result with versions of both eras", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","result":{"supportedVersions":["2026-07-28","2025-06-18"]}})", Kind::found, Speaks::both},
    {"a result with old versions only", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","result":{"supportedVersions":["2025-11-25"]}})", Kind::found, Speaks::legacy},
    {"a result with versions that nobody knows", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","result":{"supportedVersions":["2031-01-01"]}})", Kind::neither},
    {"a result without versions", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","result":{}})", Kind::found, Speaks::legacy},
    {"a result with another id", 200, kJson, R"({"jsonrpc":"2.0","id":"x","result":{"supportedVersions":["2026-07-28"]}})", Kind::nothing},
    {"unsupported version, naming ours", 400, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32022,"message":"v","data":{"supported":["2026-07-28"]}}})", Kind::found, Speaks::modern},
    {"unsupported version, naming an old one", 400, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32022,"message":"v","data":{"supported":["2025-11-25"]}}})", Kind::found, Speaks::legacy},
    {"unsupported version under 200", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32022,"message":"v"}})", Kind::found, Speaks::legacy},
    {"header mismatch", 400, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32020,"message":"h"}})", Kind::found, Speaks::modern},
    {"header mismatch under 200", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32020,"message":"h"}})", Kind::found, Speaks::legacy},
    {"missing capability", 400, kJson, R"({"jsonrpc":"2.0","error":{"code":-32021,"message":"c"}})", Kind::found, Speaks::modern},
    {"method not found under 404", 404, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32601,"message":"m"}})", Kind::ambiguous},
    {"method not found under 200", 200, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32601,"message":"m"}})", Kind::found, Speaks::legacy},
    {"not initialized", 400, kJson, R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Server not initialized"}})", Kind::found, Speaks::legacy},
    {"an error under 500", 500, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32603,"message":"i"}})", Kind::found, Speaks::legacy},
    {"400 with an empty body", 400, "text/plain", "", Kind::found, Speaks::legacy},
    {"404 with a page", 404, "text/html", "<html>", Kind::found, Speaks::legacy},
    {"400 with a modern error as text", 400, "text/plain", R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32020,"message":"h"}})", Kind::found, Speaks::legacy},
    {"401", 401, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32020,"message":"h"}})", Kind::nothing},
    {"403", 403, kJson, "", Kind::nothing},
    {"429", 429, kJson, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32601,"message":"m"}})", Kind::nothing},
    {"500 with a page", 500, "text/html", "<html>", Kind::nothing},
    {"503", 503, "text/plain", "", Kind::nothing},
    {"a redirect", 302, "text/plain", "", Kind::nothing},
    {"200 with a page", 200, "text/html", "<html>", Kind::nothing},
};

TEST(EraEvidenceTest, NoStatusAndNoCodeAloneTellsTheEra) {
  for (const Row& row : kAnswers) {
    const EraEvidence evidence = read_discover_answer(row.status, {{"Content-Type", row.media_type}}, row.body);
    EXPECT_EQ(evidence.kind, row.kind) << row.what;
    EXPECT_TRUE(row.kind != Kind::found || evidence.speaks == row.speaks) << row.what;
  }
}

TEST(EraEvidenceTest, ASecondQuestionSettlesMethodNotFound) {
  const http::Headers headers{{"Content-Type", kJson}};
  EXPECT_EQ(read_list_answer(200, headers, R"({"jsonrpc":"2.0","id":"writ-era","result":{"resultType":"complete","tools":[]}})").speaks, Speaks::modern);
  EXPECT_EQ(read_list_answer(200, headers, R"({"jsonrpc":"2.0","id":"writ-era","result":{"tools":[]}})").speaks, Speaks::legacy);
  const EraEvidence again = read_list_answer(404, headers, R"({"jsonrpc":"2.0","id":"writ-era","error":{"code":-32601,"message":"m"}})");
  EXPECT_EQ(again.kind, Kind::found);
  EXPECT_EQ(again.speaks, Speaks::legacy);
}

class ServerEraTest : public ErasTest {
 public:
  ServerEraTest() {
    server.respond = [this](const ScriptedServer::Got& got) { return answer(got); };
  }
  Sent answer(const ScriptedServer::Got& got) {
    if (hangs) return ScriptedServer::stream(body = std::make_shared<LiveBody::State>());
    if (status != 200) return whole_response(status, {}, "");
    return ScriptedServer::result(got, json::Value{{"supportedVersions", json::Array{"2026-07-28"}}});
  }
  struct Asking {
    std::optional<ServerEra::Found> found;
  };
  std::shared_ptr<Asking> ask(const std::string& principal = "alice") {
    auto asking = std::make_shared<Asking>();
    auto made = std::make_shared<Request>(request(mcp::Era::modern, ping(), principal));
    auto task = era.find(*made);
    spawn(std::move(task), [asking, made](std::exception_ptr, std::optional<ServerEra::Found> found) { asking->found = std::move(found); });
    settle();
    return asking;
  }
  static json::Value ping() { return json::Value{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/list"}}; }
  bool hangs = false;
  int status = 200;
  std::shared_ptr<LiveBody::State> body;
  ServerEra era{parts};
};

TEST_F(ServerEraTest, IsAskedOnceForEverybody) {
  EXPECT_EQ(**ask()->found, Speaks::modern);
  EXPECT_EQ(**ask("bob")->found, Speaks::modern);
  EXPECT_EQ(server.seen.size(), 1u);
  EXPECT_EQ(server.seen[0].header("Mcp-Method"), "server/discover");
  EXPECT_EQ(server.seen[0].header("MCP-Protocol-Version"), "2026-07-28");
  EXPECT_EQ(server.seen[0].request.principal->key, "alice");
}

TEST_F(ServerEraTest, OneQuestionAtATimeServesAllWhoWait) {
  hangs = true;
  const auto first = ask(), second = ask("bob");
  EXPECT_FALSE(first->found || second->found);
  EXPECT_EQ(server.seen.size(), 1u);
  body->message(json::Value{{"jsonrpc", "2.0"}, {"id", "writ-era"}, {"result", json::Value{{"supportedVersions", json::Array{"2026-07-28"}}}}});
  settle();
  EXPECT_EQ(**first->found, Speaks::modern);
  EXPECT_EQ(**second->found, Speaks::modern);
  EXPECT_EQ(server.seen.size(), 1u);
}

TEST_F(ServerEraTest, RefusedCredentialsSayNothingAndAreNotSaidToOthers) {
  status = 401;
  const auto refused = ask();
  ASSERT_FALSE(*refused->found);
  EXPECT_EQ(refused->found->error().status, 401);
  status = 200;
  EXPECT_EQ(**ask("bob")->found, Speaks::modern);
}

TEST_F(ServerEraTest, ASilentServerIsNotWaitedForForEver) {
  hangs = true;
  const auto asking = ask(), other = ask("bob");
  time.advance(Milliseconds{10'000});
  settle();
  ASSERT_TRUE(asking->found && other->found);
  ASSERT_TRUE(asking->found->error().failure);
  EXPECT_EQ(asking->found->error().failure->kind, Failure::Kind::timeout);
  EXPECT_TRUE(body->cancelled);
}

TEST_F(ServerEraTest, AFindingIsForgottenWhenDoubtedWhenOldAndWithAnotherAddress) {
  ask();
  era.forget("notes");
  ask();
  EXPECT_EQ(server.seen.size(), 2u);
  time.advance(Seconds{599});
  ask();
  EXPECT_EQ(server.seen.size(), 2u);
  time.advance(Seconds{1});
  ask();
  EXPECT_EQ(server.seen.size(), 3u);
  registry::Objects other = current;
  other.servers[0].upstream->url = "http://127.0.0.1:9001/mcp";
  set_objects(other);
  ask();
  EXPECT_EQ(server.seen.size(), 4u);
}

TEST_F(ServerEraTest, WhatIsConfiguredIsNotAsked) {
  for (const auto& [configured, expected] : {std::pair(registry::UpstreamAddress::Era::legacy, Speaks::legacy), std::pair(registry::UpstreamAddress::Era::modern, Speaks::modern)}) {
    registry::Objects other = current;
    other.servers[0].upstream->era = configured;
    set_objects(other);
    EXPECT_EQ(**ask()->found, expected);
  }
  EXPECT_TRUE(server.seen.empty());
}

class EraBridgeTest : public ErasTest {};

TEST_F(EraBridgeTest, SidesOfOneEraPassUntouched) {
  for (const mcp::Era era : {mcp::Era::legacy, mcp::Era::modern}) {
    ScriptedServer both;
    both.respond = [](const ScriptedServer::Got& got) -> Sent {
      return ScriptedServer::result(got, json::Value{{"supportedVersions", json::Array{"2026-07-28", "2025-11-25"}}, {"odd", 1}});
    };
    EraBridge bridge({both, objects, time, [this](Milliseconds duration) { return time.pause(duration); }});
    const auto sending = start(bridge, request(era, json::Value{{"jsonrpc", "2.0"}, {"id", 7}, {"method", "tools/list"}}));
    ASSERT_TRUE(sending->answer && *sending->answer);
    ASSERT_EQ(both.seen.size(), 2u);
    EXPECT_EQ(both.seen[1].request.http.body, R"({"jsonrpc":"2.0","id":7,"method":"tools/list"})");
    EXPECT_EQ(read(**sending->answer)->text, R"({"jsonrpc":"2.0","id":7,"result":{"supportedVersions":["2026-07-28","2025-11-25"],"odd":1}})");
  }
}

TEST_F(EraBridgeTest, TheServersRefusalOfTheQuestionIsHandedOnByStatusAlone) {
  server.respond = [](const ScriptedServer::Got&) -> Sent { return whole_response(403, {{"Set-Cookie", "a=b"}}, "secret"); };
  EraBridge bridge(parts);
  const auto sending = start(bridge, request(mcp::Era::modern, json::Value{{"jsonrpc", "2.0"}, {"id", 7}, {"method", "tools/list"}}));
  ASSERT_TRUE(sending->answer && *sending->answer);
  EXPECT_EQ((*sending->answer)->status, 403);
  EXPECT_TRUE((*sending->answer)->headers.fields().empty());
  EXPECT_EQ(server.seen.size(), 1u);
}

TEST_F(EraBridgeTest, AConnectionThatFailsMakesItAskAgain) {
  bool is_down = false;
  server.respond = [&](const ScriptedServer::Got& got) -> Sent {
    if (is_down) return unexpected(Failure{Failure::Kind::connect, "down", "", std::nullopt});
    return ScriptedServer::result(got, json::Value{{"supportedVersions", json::Array{"2026-07-28"}}});
  };
  EraBridge bridge(parts);
  const json::Value list{{"jsonrpc", "2.0"}, {"id", 7}, {"method", "tools/list"}};
  start(bridge, request(mcp::Era::modern, list));
  is_down = true;
  const auto failed = start(bridge, request(mcp::Era::modern, list));
  ASSERT_TRUE(failed->answer);
  EXPECT_EQ(failed->answer->error().kind, Failure::Kind::connect);
  is_down = false;
  start(bridge, request(mcp::Era::modern, list));
  EXPECT_EQ(server.count("server/discover"), 2);
  // A client that went away says nothing about the server.
  is_down = true;
  http::Cancellation cancellation;
  cancellation.request();
  Request left = request(mcp::Era::modern, list);
  left.http.cancellation = &cancellation;
  start(bridge, std::move(left));
  is_down = false;
  start(bridge, request(mcp::Era::modern, list));
  EXPECT_EQ(server.count("server/discover"), 2);
}

}  // namespace
}  // namespace writ::upstreams
