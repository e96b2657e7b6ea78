#pragma once

// What a receiver may say of its stream, as pure functions: the bodies of POST, PUT and PATCH (SSF §8.1.1), and what is answered.

#include <string>

#include "base/secret.h"
#include "signals/transmitter/stream.h"

namespace writ::signals {

struct StreamChange {
  Stream stream;                           // afterwards
  std::optional<Secret> authorization;     // the field's value, where the request names one
};
enum class Change { create, replace, update };
// The error is a sentence. `issuer`: ours. What only the transmitter decides may stand in the body and must be what it is.
Result<StreamChange, std::string> read_stream(const json::Value& body, Stream present, Change change, const std::string& issuer);

json::Value describe(const Stream& stream, const std::string& issuer);   // without the authorization value
std::string endpoint(const std::string& issuer, std::string_view name);

}  // namespace writ::signals
