#include "mcp/json_rpc.h"

#include <gtest/gtest.h>

namespace writ::mcp {
namespace {

struct Row {
  const char* name;
  std::string text;
  MessageProblem problem;
};
class ClientMessages : public testing::TestWithParam<Row> {};

TEST_P(ClientMessages, AreRefusedWithTheirReason) {
  const auto message = Message::parse(GetParam().text, {});
  ASSERT_FALSE(message) << GetParam().text;
  EXPECT_EQ(to_string(message.error()), to_string(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    Strict, ClientMessages,
    testing::Values(
        Row{"empty", "", MessageProblem::not_json},
        Row{"trailing_bytes", R"({"jsonrpc":"2.0","method":"ping","id":1} x)", MessageProblem::not_json},
        Row{"two_messages", R"({"jsonrpc":"2.0","method":"ping","id":1}{"jsonrpc":"2.0","method":"ping","id":2})", MessageProblem::not_json},
        Row{"duplicate_method", R"({"jsonrpc":"2.0","method":"ping","method":"tools/call","id":1})", MessageProblem::not_json},
        Row{"duplicate_name_by_escape", R"({"jsonrpc":"2.0","method":"tools/call","id":1,"params":{"name":"a","n\u0061me":"b"}})", MessageProblem::not_json},
        Row{"batch", R"([{"jsonrpc":"2.0","method":"ping","id":1}])", MessageProblem::batch},
        Row{"string", R"("ping")", MessageProblem::not_an_object},
        Row{"version_absent", R"({"method":"ping","id":1})", MessageProblem::wrong_version},
        Row{"version_number", R"({"jsonrpc":2.0,"method":"ping","id":1})", MessageProblem::wrong_version},
        Row{"version_1", R"({"jsonrpc":"1.0","method":"ping","id":1})", MessageProblem::wrong_version},
        Row{"id_null", R"({"jsonrpc":"2.0","method":"ping","id":null})", MessageProblem::bad_id},
        Row{"id_fraction", R"({"jsonrpc":"2.0","method":"ping","id":1.5})", MessageProblem::bad_id},
        Row{"id_integer_as_fraction", R"({"jsonrpc":"2.0","method":"ping","id":1.0})", MessageProblem::bad_id},
        Row{"id_bool", R"({"jsonrpc":"2.0","method":"ping","id":true})", MessageProblem::bad_id},
        Row{"id_array", R"({"jsonrpc":"2.0","method":"ping","id":[1]})", MessageProblem::bad_id},
        Row{"id_too_long", R"({"jsonrpc":"2.0","method":"ping","id":")" + std::string(1'025, 'x') + "\"}", MessageProblem::bad_id},
        Row{"method_number", R"({"jsonrpc":"2.0","method":1,"id":1})", MessageProblem::bad_method},
        Row{"method_empty", R"({"jsonrpc":"2.0","method":"","id":1})", MessageProblem::bad_method},
        Row{"params_array", R"({"jsonrpc":"2.0","method":"ping","id":1,"params":[]})", MessageProblem::bad_params},
        Row{"params_null", R"({"jsonrpc":"2.0","method":"ping","id":1,"params":null})", MessageProblem::bad_params},
        Row{"case_variant_member", R"({"jsonrpc":"2.0","method":"ping","Method":"tools/call","id":1})", MessageProblem::unknown_member},
        Row{"unknown_member", R"({"jsonrpc":"2.0","method":"ping","id":1,"extra":1})", MessageProblem::unknown_member},
        Row{"case_variant_name", R"({"jsonrpc":"2.0","method":"tools/call","id":1,"params":{"name":"a","Name":"b"}})", MessageProblem::look_alike_member},
        Row{"folding_variant_of_arguments", "{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"id\":1,\"params\":{\"name\":\"a\",\"argument\xC5\xBF\":{}}}",
            MessageProblem::look_alike_member},
        Row{"method_and_result", R"({"jsonrpc":"2.0","method":"ping","id":1,"result":{}})", MessageProblem::not_a_message},
        Row{"result_and_error", R"({"jsonrpc":"2.0","id":1,"result":{},"error":{}})", MessageProblem::not_a_message},
        Row{"nothing", R"({"jsonrpc":"2.0","id":1})", MessageProblem::not_a_message},
        Row{"result_with_params", R"({"jsonrpc":"2.0","id":1,"result":{},"params":{}})", MessageProblem::not_a_message},
        Row{"result_without_id", R"({"jsonrpc":"2.0","result":{}})", MessageProblem::bad_id},
        Row{"error_with_null_id", R"({"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}})", MessageProblem::bad_id},
        Row{"error_is_text", R"({"jsonrpc":"2.0","id":1,"error":"no"})", MessageProblem::not_a_message},
        Row{"too_deep", std::string(40, '[') + std::string(40, ']'), MessageProblem::too_large}),
    [](const auto& row) { return row.param.name; });

TEST(JsonRpc, KindsAndIds) {
  const auto kind = [](std::string_view text) { return Message::parse(text, {})->kind(); };
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","method":"ping","id":1})"), Message::Kind::request);
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"), Message::Kind::notification);
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":"a","result":{}})"), Message::Kind::result);
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"no"}})"), Message::Kind::error);
  EXPECT_NE(to_key(RequestId{std::int64_t{1}}), to_key(RequestId{std::string("1")}));
}

TEST(JsonRpc, ServersMayAddMembersAndNullIds) {
  EXPECT_TRUE(Message::parse_from_server(R"({"jsonrpc":"2.0","id":1,"result":{},"extra":1})", {}));
  const auto error = Message::parse_from_server(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad"}})", {});
  ASSERT_TRUE(error);
  EXPECT_FALSE(error->id());
  EXPECT_FALSE(Message::parse_from_server(R"({"jsonrpc":"2.0","id":1,"id":2,"result":{}})", {}));
}

TEST(JsonRpc, WhatIsWrittenIsWhatWasParsed) {
  const std::string text = R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{"__entity":{"type":"T","id":"x"},"n":1.0,"big":9007199254740993}}})";
  const auto message = Message::parse("  " + text + "\n", {});
  ASSERT_TRUE(message);
  EXPECT_EQ(message->write(), text);
}

TEST(JsonRpc, AbsentIdIsLeftOutOfErrors) {
  EXPECT_EQ(json::write(error_response(std::nullopt, -32700, "bad")), R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"bad"}})");
  EXPECT_EQ(json::write(error_response(RequestId{std::string("x")}, 403, "no", json::Value{{"a", 1}})),
            R"({"jsonrpc":"2.0","id":"x","error":{"code":403,"message":"no","data":{"a":1}}})");
}

TEST(JsonRpc, FoldsAsGoDoes) {
  EXPECT_TRUE(equals_folded("Name", "name"));
  EXPECT_TRUE(equals_folded("ta\xC5\xBF\xE2\x84\xAA", "task"));
  EXPECT_FALSE(equals_folded("names", "name"));
  EXPECT_FALSE(equals_folded("n\xC3\xA4me", "name"));
}

}  // namespace
}  // namespace writ::mcp
