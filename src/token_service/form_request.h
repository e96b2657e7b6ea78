#pragma once

// The HTTP side of an endpoint that takes a form (token, revocation, introspection): what is checked before anyone looks at a parameter.

#include <string_view>

#include "base/result.h"
#include "encoding/form.h"
#include "http/message.h"
#include "oauth/error.h"

namespace writ::token_service {

enum class FormProblem {
  method_not_post,       // T1
  parameters_in_url,     // T1: they would stand in logs
  wrong_media_type,      // T3
  wrong_charset,
  encoded_body,          // T3: a compressed body is never unpacked
  body_too_large,        // T8
  too_many_parameters,
  malformed_form,
  repeated_parameter,    // T2
};
std::string_view to_string(FormProblem problem);
// What the caller is told. It never repeats what the caller sent.
oauth::Error to_wire(FormProblem problem);

Result<void, FormProblem> check_post(const http::Request& request);
Result<void, FormProblem> check_media_type(const http::Request& request);
Result<form::Parameters, FormProblem> read_form(const http::Request& request);
Result<void, FormProblem> check_not_repeated(const form::Parameters& parameters);

}  // namespace writ::token_service
