#pragma once

// Requests of a server of the legacy era to its client, as far as a modern client can answer them within a call (TR-80, TR-84).

#include <optional>
#include <string_view>

#include "base/result.h"
#include "encoding/json.h"

namespace writ::upstreams {

// {method, params} for the client, or the error object that the server is answered with: it asks for what its client never declared.
Result<json::Value, json::Value> input_request(std::string_view method, const json::Value* params, const json::Value& capabilities);

// The error with which servers of 2025-11-25 send a person to addresses first (-32042), as questions: key → {method, params}. The call ended with
// it, so that the client's retry is a new call. Absent when the error is another, or the client cannot be asked so.
std::optional<json::Value> url_questions(const json::Value& error, const json::Value& capabilities);
// Whether one of the answers says no.
bool has_refusal(const json::Value& input_responses);

// A client's answer as the server gets it; absent when it is none.
std::optional<json::Value> input_response(const json::Value& given);

}  // namespace writ::upstreams
