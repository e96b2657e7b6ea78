#include <gmock/gmock.h>

#include "gateway/combined/combined_fixture.h"

namespace writ::gateway::combined {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CombinedEndpoint : public CombinedTest {};

TEST_F(CombinedEndpoint, ALegacySessionOpensOneAtEachMember) {
  fakes["notes"].instructions = "Search first.";
  definitions.set(std::make_shared<const registry::Definition>(*registry::read_stored_definition(registry::ObjectKind::instructions, json::Value{{"id", "notes"}, {"definition", "Search first."}})));
  fakes["wiki"].instructions = "Never reviewed.";
  fakes["wiki"].capabilities = json::Value{{"resources", json::Value{{"subscribe", true}}}, {"experimental", json::Object{}}};
  publish();
  const json::Value body = open();
  const json::Value& result = *body.find("result");
  EXPECT_EQ(*body.find("id")->as_int(), 0);
  EXPECT_EQ(*result.find_string("protocolVersion"), "2025-11-25") << "the client's; each member negotiates its own";
  EXPECT_EQ(json::write(*result.find("capabilities")), R"({"tools":{"listChanged":true},"logging":{},"resources":{"subscribe":true}})");
  EXPECT_EQ(*result.find_string("instructions"), "# notes (tools `notes__…`)\n\nSearch first.");
  EXPECT_FALSE(result.find("_meta"));
  EXPECT_THAT(fakes["notes"].methods(), ElementsAre("initialize", "notifications/initialized"));
  EXPECT_THAT(fakes["wiki"].methods(), ElementsAre("initialize", "notifications/initialized"));
  EXPECT_TRUE(fakes["notes"].got[0].find("params")->find("capabilities")->find("roots"));
  EXPECT_EQ(*fakes["notes"].requests[1].headers.find("Mcp-Session-Id"), "upstream-notes-1");
  EXPECT_EQ(*fakes["notes"].requests[1].headers.find("MCP-Protocol-Version"), "2025-06-18") << "as this member negotiated";
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  EXPECT_EQ(fakes["notes"].got.size(), 2u) << "it heard so already";
  for (const http::UpstreamRequest& sent : upstream.requests) {
    EXPECT_EQ(sent.headers.count("Authorization"), 0u);
    const auto* id = sent.headers.find("Mcp-Session-Id");
    EXPECT_TRUE(!id || *id != session) << "the client's own stays here";
  }
}

TEST_F(CombinedEndpoint, ListsAreMergedAndFilteredAsAtTheMember) {
  open();
  const json::Value result = result_of(say(list_text("tools/list")));
  EXPECT_THAT(names(result), ElementsAre("writ_servers", "writ_whoami", "notes__search_notes", "notes__add_note", "wiki__search_notes", "wiki__read_note"));
  EXPECT_EQ(*(*result.find_array("tools"))[2].find_string("description"), "of notes") << "titles and descriptions stay";
  EXPECT_FALSE(result.find("_meta"));
  EXPECT_FALSE(result.find("resultType")) << "no word of the other era";
}

TEST_F(CombinedEndpoint, WhatNobodyReviewedIsNotListed) {
  fakes["wiki"].tools.push_back("brand_new");
  open();
  EXPECT_THAT(names(result_of(say(list_text("tools/list")))), Not(testing::Contains("wiki__brand_new")));
  EXPECT_FALSE(reviews.kept.empty());
  EXPECT_THAT(say(call_text("wiki__brand_new")).body, HasSubstr("writ/decision"));
  EXPECT_EQ(last_reason(), "not_reviewed");
}

TEST_F(CombinedEndpoint, ACallIsDecidedAndForwardedAtItsMember) {
  open();
  const http::Response response = say(call_text("notes__search_notes", R"({"q":"a"})", R"("seven")"));
  EXPECT_EQ(parsed(response.body), parsed(R"({"jsonrpc":"2.0","id":"seven","result":{"content":[{"type":"text","text":"notes did search_notes"}]}})"));
  const json::Value& got = fakes["notes"].got.back();
  EXPECT_EQ(json::write(got), R"({"jsonrpc":"2.0","id":"seven","method":"tools/call","params":{"name":"search_notes","arguments":{"q":"a"}}})");
  EXPECT_EQ(*fakes["notes"].requests.back().headers.find("Mcp-Session-Id"), "upstream-notes-1");
  std::vector<audit::Record> calls;
  for (const auto& record : records(audit::Event::call)) {
    if (record.method == "tools/call") calls.push_back(record);
  }
  ASSERT_EQ(calls.size(), 1u) << "one record names both";
  EXPECT_EQ(calls[0].server, "notes");
  EXPECT_EQ(calls[0].tool, "search_notes");
  EXPECT_EQ(calls[0].action, "call");
  EXPECT_THAT(calls[0].more, testing::Contains(std::pair<std::string, std::string>("endpoint", "all")));
  const auto outcomes = records(audit::Event::outcome);
  EXPECT_EQ(outcomes.back().server, "notes");
  EXPECT_EQ(outcomes.back().reason, "completed");
}

// The same call at the member's own address and at the combined one.
struct SameRow {
  const char* name;
  const char *tool, *arguments, *scope;
  int status;
  const char* reason;
};
class SameDecision : public CombinedTest, public testing::WithParamInterface<SameRow> {};
TEST_P(SameDecision, AsAtTheMember) {
  approve("notes", parsed(R"({"name":"add_note","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}})"));
  publish();
  const auto& row = GetParam();
  const http::Response at_member = send(request("POST", call_text(row.tool, row.arguments), token([&](json::Value& claims) { claims.set("scope", row.scope); })));
  EXPECT_EQ(at_member.status, row.status);
  EXPECT_EQ(records(audit::Event::call).back().reason, row.reason);
  std::string scopes = std::string("notes:") + row.scope;
  bearer = all_token([&](json::Value& claims) { claims.set("scope", scopes); });
  open();
  const http::Response through = say(call_text(std::string("notes__") + row.tool, row.arguments));
  EXPECT_EQ(through.status, row.status);
  const audit::Record record = records(audit::Event::call).back();
  EXPECT_EQ(record.reason, row.reason);
  EXPECT_EQ(record.server, "notes");
  EXPECT_EQ(record.tool, row.tool);
  if (at_member.status != 200) return;
  // Alike but for the code of the denial.
  const auto without_code = [](std::string text) {
    // In a session the denial of a call has the form of a stream.
    if (const std::size_t at = text.find("data: {"); at != std::string::npos) text = text.substr(at + 6, text.find('\n', at) - at - 6);
    json::Value body = parsed(text);
    const json::Value* result = body.find("result");
    const json::Value* meta = result ? result->find("_meta") : nullptr;
    if (!meta) return text;
    json::Value decision = *meta->find("writ/decision");
    decision.erase("code"), decision.erase("request_url");
    return json::write(decision);
  };
  EXPECT_EQ(without_code(at_member.body), without_code(through.body));
}
INSTANTIATE_TEST_SUITE_P(Rules, SameDecision, testing::Values(
    SameRow{"allowed", "search_notes", "{}", "notes:read", 200, "allowed"},
    SameRow{"allowed_by_an_implied_scope", "search_notes", "{}", "notes:write", 200, "allowed"},
    SameRow{"no_grant", "delete_note", "{}", "notes:write", 200, "no_permit"},
    SameRow{"unknown_tool", "nothing_like_it", "{}", "notes:read", 200, "not_reviewed"},
    SameRow{"scope_missing", "add_note", R"({"text":"a"})", "notes:read", 403, "insufficient_scope"},
    SameRow{"arguments_do_not_fit", "add_note", R"({"text":1})", "notes:write", 200, "arguments_do_not_fit"},
    SameRow{"arguments_missing", "add_note", "{}", "notes:write", 200, "arguments_do_not_fit"}),
    [](const auto& row) { return row.param.name; });

TEST_F(CombinedEndpoint, AMissingScopeIsAskedForUnderItsNameHere) {
  open();
  const http::Response response = say(call_text("notes__add_note"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(*response.headers.find("WWW-Authenticate"), "Bearer error=\"insufficient_scope\", error_description=\"the tool needs another scope\", scope=\"notes:notes:write\", "
                                                        "resource_metadata=\"https://writ.example/.well-known/oauth-protected-resource/mcp\"");
  bearer = all_token([](json::Value& claims) { claims.set("scope", "notes:notes:write"); });
  EXPECT_THAT(say(call_text("notes__add_note")).body, HasSubstr("notes did add_note"));
  bearer = all_token([](json::Value& claims) { claims.set("scope", "wiki:notes:write"); });
  EXPECT_EQ(say(call_text("notes__add_note")).status, 403) << "another member's scope";
  bearer = all_token([](json::Value& claims) { claims.set("scope", "notes:write"); });
  EXPECT_EQ(say(call_text("notes__add_note")).status, 403) << "a scope that names no member";
}

TEST_F(CombinedEndpoint, AScopeThatTheMemberWouldNotGrantIsNotHeldHere) {
  open();
  bearer = all_token([](json::Value& claims) { claims.set("scope", "notes:notes:write"); });
  set_grants({{"all", "eng", {false, {"cursor"}}, "all", {true, {}}, {true, {}}},
              {"notes", "eng", {false, {"cursor"}}, "notes", {false, {"notes:read"}}, {true, {}}}});
  const http::Response response = say(call_text("notes__add_note"));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("writ/decision"));
  EXPECT_EQ(last_reason(), "insufficient_scope");
  EXPECT_THAT(fakes["notes"].methods(), Not(testing::Contains("tools/call")));
}

struct ConnectRow {
  const char* name;
  std::vector<policy::AccessGrant> grants;
  bool lists_notes;
  const char *server, *reason;   // of the record of a call; "": it goes
};
class Connections : public CombinedTest, public testing::WithParamInterface<ConnectRow> {};
TEST_P(Connections, AreNeededHereAndAtTheMember) {
  open();
  set_grants(GetParam().grants);
  http::Response listed = say(list_text("tools/list"));
  const bool may_list = listed.status == 200 && parsed(listed.body).find("result");
  const bool lists = may_list && [&] {
    const auto all = names(*parsed(listed.body).find("result"));
    return std::find(all.begin(), all.end(), "notes__search_notes") != all.end();
  }();
  EXPECT_EQ(lists, GetParam().lists_notes);
  const std::size_t before = fakes["notes"].got.size();
  const http::Response called = say(call_text("notes__search_notes"));
  const audit::Record record = records(audit::Event::call).back();
  EXPECT_EQ(record.server, GetParam().server);
  EXPECT_EQ(record.reason, GetParam().reason);
  const bool goes = record.effect == audit::Effect::allow;
  EXPECT_EQ(fakes["notes"].got.size() - before, goes ? 1u : 0u);
  if (goes) return;
  EXPECT_THAT(called.body, HasSubstr("writ/decision"));
}
const policy::AccessGrant kHere{"all", "eng", {false, {"cursor"}}, "all", {true, {}}, {true, {}}};
const policy::AccessGrant kThere{"notes", "eng", {false, {"cursor"}}, "notes", {true, {}}, {true, {}}};
INSTANTIATE_TEST_SUITE_P(Rules, Connections, testing::Values(
    ConnectRow{"both", {kHere, kThere}, true, "notes", "allowed"},
    ConnectRow{"only_here", {kHere}, false, "notes", "no_permit"},
    ConnectRow{"only_there", {kThere}, false, "all", "no_permit"},
    ConnectRow{"neither", {}, false, "all", "no_permit"}),
    [](const auto& row) { return row.param.name; });

TEST_F(CombinedEndpoint, WhoIsDeadOrMayNotBeUsedDelaysNobody) {
  set_world({"notes", "dead", "hidden", "wiki"});
  const json::Value opened = open();
  EXPECT_EQ(json::write(*opened.find("result")->find("_meta")), R"({"writ/left_out":[{"server":"dead","state":"down"}]})");
  EXPECT_TRUE(opened.find("result")->find("capabilities")->find("prompts")) << "who did not answer may have anything";
  const json::Value result = result_of(say(list_text("tools/list")));
  EXPECT_THAT(names(result), ElementsAre("writ_servers", "writ_whoami", "notes__search_notes", "notes__add_note", "wiki__search_notes", "wiki__read_note"));
  EXPECT_EQ(json::write(*result.find("_meta")), R"({"writ/left_out":[{"server":"dead","state":"down"}]})");
  EXPECT_THAT(fakes["hidden"].requests, IsEmpty()) << "who may not get there does not make the gateway ask";
  EXPECT_THAT(json::write(result), Not(HasSubstr("hidden")));
  const http::Response called = say(call_text("dead__echo"));
  EXPECT_EQ(called.status, 502);
  EXPECT_THAT(called.body, HasSubstr("the server `dead` cannot be reached"));
}

TEST_F(CombinedEndpoint, WhoIsSlowIsLeftOutAtItsDeadline) {
  set_world({"notes", "slow", "wiki"});
  open();
  pass_time_meanwhile(5);
  const json::Value result = result_of(say(list_text("tools/list")));
  EXPECT_THAT(names(result), ElementsAre("writ_servers", "writ_whoami", "notes__search_notes", "notes__add_note", "wiki__search_notes", "wiki__read_note"));
  EXPECT_EQ(json::write(*result.find("_meta")), R"({"writ/left_out":[{"server":"slow","state":"slow"}]})");
  settle();
  EXPECT_EQ(gateway->live_exchanges(), 0u) << "its request was ended";
  EXPECT_EQ(fakes["slow"].requests.back().head_timeout_ms, 5'000);
}

TEST_F(CombinedEndpoint, ADeadlineIsNotReachedBefore) {
  set_world({"notes", "slow"});
  open();
  executor.post([this] {
    executor.post([this] {
      clock.seconds += 4;
      gateway->check_streams(clock.now());
      executor.post([this] {
        executor.post([this] {
          EXPECT_FALSE(upstream.body->cancelled);
          clock.seconds += 1;
          gateway->check_streams(clock.now());
        });
      });
    });
  });
  EXPECT_THAT(names(result_of(say(list_text("tools/list")))), testing::Contains("notes__search_notes"));
  EXPECT_EQ(clock.seconds, kNow + 5);
}

TEST_F(CombinedEndpoint, LongNamesLeadWhereTheyCameFrom) {
  const std::string name = "search_" + std::string(60, 'x'), twin = "search_" + std::string(61, 'x');
  fakes["wiki"].tools = {name, twin};
  approve("wiki", json::Value{{"name", name}, {"description", "of wiki"}});
  approve("wiki", json::Value{{"name", twin}, {"description", "of wiki"}});
  publish();
  open();
  const auto listed = names(result_of(say(list_text("tools/list"))));
  ASSERT_EQ(listed.size(), 6u);
  for (std::size_t i : {std::size_t{4}, std::size_t{5}}) EXPECT_EQ(listed[i].size(), 64u);
  EXPECT_NE(listed[4], listed[5]);
  EXPECT_THAT(say(call_text(listed[4])).body, HasSubstr("wiki did " + name + "\""));
  EXPECT_THAT(say(call_text(listed[5])).body, HasSubstr("wiki did " + twin + "\""));
}

TEST_F(CombinedEndpoint, PagesHoldEachMembersCursor) {
  fakes["notes"].page = 1;
  fakes["wiki"].page = 1;
  open();
  std::string cursor;
  std::vector<std::vector<std::string>> pages;
  do {
    const json::Value result = result_of(say(list_text("tools/list", cursor)));
    pages.push_back(names(result));
    const auto* next = result.find_string("nextCursor");
    cursor = next ? *next : "";
    EXPECT_EQ(cursor.find("notes-"), std::string::npos);
  } while (!cursor.empty() && pages.size() < 9);
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_THAT(pages[0], ElementsAre("writ_servers", "writ_whoami", "notes__search_notes", "wiki__search_notes"));
  EXPECT_THAT(pages[1], ElementsAre("notes__add_note", "wiki__read_note"));
  EXPECT_THAT(pages[2], IsEmpty()) << "the third of notes is not for this caller";
}

TEST_F(CombinedEndpoint, ACursorOfSomebodyElseIsRefused) {
  fakes["notes"].page = 1;
  open();
  const std::string cursor = *result_of(say(list_text("tools/list"))).find_string("nextCursor");
  const std::size_t asked = fakes["notes"].got.size();
  for (const std::string& hostile : {cursor + "A", cursor.substr(1), std::string("notes-1"), std::string("e30")}) {
    EXPECT_EQ(*parsed(say(list_text("tools/list", hostile)).body).find("error")->find_int("code"), -32602) << hostile;
    EXPECT_EQ(last_reason(), "bad_cursor");
  }
  EXPECT_EQ(*parsed(say(list_text("prompts/list", cursor)).body).find("error")->find_int("code"), -32602) << "of another list";
  EXPECT_EQ(*parsed(say(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":5}})").body).find("error")->find_int("code"), -32602);
  EXPECT_EQ(fakes["notes"].got.size(), asked);
  clock.seconds += 3'601;
  bearer = all_token([&](json::Value& claims) { claims.set("iat", clock.seconds), claims.set("exp", clock.seconds + 300); });
  EXPECT_EQ(*parsed(say(list_text("tools/list", cursor)).body).find("error")->find_int("code"), -32602) << "too old";
}

TEST_F(CombinedEndpoint, ACursorIsBoundToThePrincipal) {
  set_objects([&](registry::Objects& all) {
    all.users[1].groups = {"eng"};
    for (auto& server : all.servers) server.upstream->url = "http://127.0.0.1:9000/" + server.id;
    registry::Server combined;
    combined.id = "all", combined.resource = kAll, combined.resource_as = kRas, combined.members = {"notes", "wiki"};
    all.servers.push_back(combined);
  });
  fakes["notes"].page = 1;
  open();
  const std::string cursor = *result_of(say(list_text("tools/list"))).find_string("nextCursor");
  bearer = all_token([](json::Value& claims) { claims.set("sub", "usr_bob"); });
  session.clear();
  open();
  EXPECT_EQ(*parsed(say(list_text("tools/list", cursor)).body).find("error")->find_int("code"), -32602);
  EXPECT_TRUE(result_of(say(list_text("tools/list"))).find("nextCursor"));
}

struct TypedRow {
  const char *name, *id;
};
class RequestIdsHere : public CombinedTest, public testing::WithParamInterface<TypedRow> {};
TEST_P(RequestIdsHere, KeepTheirType) {
  open();
  const std::string id = GetParam().id, wanted = "\"id\":" + id;
  EXPECT_THAT(say(call_text("notes__search_notes", "{}", id)).body, HasSubstr(wanted));
  EXPECT_THAT(json::write(fakes["notes"].got.back()), HasSubstr(wanted));
  EXPECT_THAT(say(list_text("tools/list", "", id.c_str())).body, HasSubstr(wanted));
  EXPECT_THAT(json::write(fakes["wiki"].got.back()), HasSubstr(wanted));
  EXPECT_THAT(say(call_text("writ_whoami", "{}", id)).body, HasSubstr(wanted));
}
INSTANTIATE_TEST_SUITE_P(Rules, RequestIdsHere, testing::Values(TypedRow{"number", "1"}, TypedRow{"text", "\"1\""}), [](const auto& row) { return row.param.name; });

TEST_F(CombinedEndpoint, WhoAndWhereAreToldByTheGatewayItself) {
  set_world({"notes", "dead", "hidden", "wiki"});
  open();
  const json::Value who = result_of(say(call_text("writ_whoami")));
  EXPECT_EQ(*who.find("structuredContent")->find("user")->find_string("id"), "usr_alice");
  EXPECT_EQ(json::write(*who.find("structuredContent")->find("user")->find("groups")), R"(["eng"])");
  EXPECT_EQ(*who.find("structuredContent")->find("agent")->find_string("id"), "cursor");
  EXPECT_EQ(json::write(*who.find("structuredContent")->find("token")->find("scopes")), R"(["notes:notes:read","wiki:notes:read"])");
  EXPECT_EQ(*who.find("structuredContent")->find("token")->find_int("expires_in_seconds"), 300);
  const auto calls = records(audit::Event::call);
  EXPECT_EQ(calls.back().tool, "writ_whoami");
  EXPECT_EQ(calls.back().server, "all");
  EXPECT_EQ(calls.back().action, "connect");
  const json::Value where = result_of(say(call_text("writ_servers")));
  EXPECT_EQ(json::write(*where.find("structuredContent")),
            R"({"servers":[{"id":"notes","name":"notes","url":"https://writ.example/mcp/notes","state":"available"},)"
            R"({"id":"dead","name":"dead","url":"https://writ.example/mcp/dead","state":"down","what_to_do":"The server does not answer at the moment; try later."},)"
            R"({"id":"wiki","name":"wiki","url":"https://writ.example/mcp/wiki","state":"available"}]})");
  EXPECT_THAT(*(*where.find_array("content"))[0].find_string("text"), HasSubstr("- notes: available\n- dead: down."));
  EXPECT_EQ(fakes["notes"].methods().back(), "ping");
  set_grants({});
  EXPECT_THAT(say(call_text("writ_whoami")).body, HasSubstr("writ/decision")) << "nobody may connect: nothing is told";
}

TEST_F(CombinedEndpoint, DeleteEndsAll) {
  open();
  EXPECT_EQ(send(to_all("DELETE", ""), "").status, 200);
  settle();
  EXPECT_EQ(fakes["notes"].requests.back().method, "DELETE");
  EXPECT_EQ(*fakes["notes"].requests.back().headers.find("Mcp-Session-Id"), "upstream-notes-1");
  EXPECT_EQ(fakes["wiki"].requests.back().method, "DELETE");
  EXPECT_EQ(say(list_text("tools/list")).status, 404);
}

TEST_F(CombinedEndpoint, ASessionIsNeededAndNobodyElsesWorks) {
  EXPECT_EQ(say(list_text("tools/list")).status, 400);
  EXPECT_EQ(last_reason(), "session_missing");
  open();
  bearer = all_token([](json::Value& claims) { claims.set("client_id", "other-at-ras"); });
  EXPECT_EQ(say(list_text("tools/list")).status, 404);
  bearer.clear();
  bearer = token();
  EXPECT_EQ(say(list_text("tools/list")).status, 401) << "a member's token is none for the combined address";
  bearer.clear();
  EXPECT_EQ(send(request("POST", call_text("search_notes"), all_token())).status, 401) << "and the other way round";
}

TEST_F(CombinedEndpoint, AMemberThatForgotItsSessionIsOpenedAnew) {
  open();
  upstream.respond = [this](const http::UpstreamRequest& sent) -> HandUpstream::Answer {
    if (sent.url.ends_with("/notes") && sent.headers.count("Mcp-Session-Id") > 0) return upstream.answer(404, {}, {});
    return respond(sent);
  };
  const http::Response failed = say(call_text("notes__search_notes"));
  EXPECT_EQ(failed.status, 502) << "the client's own session goes on";
  EXPECT_THAT(failed.body, HasSubstr("has started anew"));
  upstream.respond = [this](const http::UpstreamRequest& sent) { return respond(sent); };
  EXPECT_THAT(say(call_text("notes__search_notes")).body, HasSubstr("notes did search_notes"));
  EXPECT_EQ(*fakes["notes"].requests.back().headers.find("Mcp-Session-Id"), "upstream-notes-3");
}

TEST_F(CombinedEndpoint, ItsMetadataIsAtTheRoot) {
  const http::Router router = routes(*gateway, settings);
  http::Request get = request("GET", "", "");
  get.path = "/.well-known/oauth-protected-resource/mcp";
  const json::Value document = parsed(run(executor, router.handle(get)).body);
  EXPECT_EQ(*document.find_string("resource"), kAll);
  EXPECT_EQ(*document.find_string("resource_name"), "Everything");
  EXPECT_EQ(json::write(*document.find("scopes_supported")), R"(["notes:notes:read","wiki:notes:read"])");
  get.path = "/.well-known/oauth-protected-resource/mcp/all";
  EXPECT_EQ(run(executor, router.handle(get)).status, 404) << "it has one address";
  http::Request post = request("POST", list_text("tools/list"), "");
  post.headers.erase("Authorization");
  post.path = "/mcp";
  const http::Response challenged = run(executor, router.handle(post));
  EXPECT_EQ(challenged.status, 401);
  EXPECT_EQ(*challenged.headers.find("WWW-Authenticate"), "Bearer resource_metadata=\"https://writ.example/.well-known/oauth-protected-resource/mcp\", scope=\"notes:notes:read wiki:notes:read\"");
}

TEST_F(CombinedEndpoint, AnotherOneMayStandBesideIt) {
  objects_change = [](registry::Objects& all) {
    registry::Server some = all.servers.back();
    some.id = "some", some.resource = "https://writ.example/mcp/some", some.members = {"wiki"};
    all.servers.push_back(some);
  };
  set_world({"notes", "wiki"});
  set_grants({{"some", "eng", {false, {"cursor"}}, "some", {true, {}}, {true, {}}}, {"wiki", "eng", {false, {"cursor"}}, "wiki", {true, {}}, {true, {}}}});
  http::Request made = modern("tools/list", json::Object{});
  made.headers.set("Authorization", "Bearer " + all_token([](json::Value& claims) { claims.set("aud", "https://writ.example/mcp/some"); }));
  EXPECT_THAT(names(result_of(send(made, "some"))), ElementsAre("writ_servers", "writ_whoami", "wiki__search_notes", "wiki__read_note"));
}

TEST_F(CombinedEndpoint, ARevocationEndsACallThroughIt) {
  set_world({"notes", "slow"});
  open();
  executor.post([this] {
    executor.post([this] {
      set_grants({{"all", "eng", {false, {"cursor"}}, "all", {true, {}}, {true, {}}}});
      gateway->check_streams(clock.now());
    });
  });
  const http::Response response = say(call_text("slow__echo"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(records(audit::Event::outcome).back().reason, "no_longer_allowed");
}

}  // namespace
}  // namespace writ::gateway::combined
