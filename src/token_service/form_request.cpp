#include "token_service/form_request.h"

namespace writ::token_service {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool names_utf8(std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  if (equals == std::string_view::npos || !http::equals_ignoring_case(trimmed(parameter.substr(0, equals)), "charset")) return false;
  const std::string_view charset = trimmed(parameter.substr(equals + 1));
  return http::equals_ignoring_case(charset, "utf-8") || http::equals_ignoring_case(charset, "\"utf-8\"");
}

}  // namespace

std::string_view to_string(FormProblem problem) {
  switch (problem) {
    case FormProblem::method_not_post: return "method_not_post";
    case FormProblem::parameters_in_url: return "parameters_in_url";
    case FormProblem::wrong_media_type: return "wrong_media_type";
    case FormProblem::wrong_charset: return "wrong_charset";
    case FormProblem::encoded_body: return "encoded_body";
    case FormProblem::body_too_large: return "body_too_large";
    case FormProblem::too_many_parameters: return "too_many_parameters";
    case FormProblem::malformed_form: return "malformed_form";
    case FormProblem::repeated_parameter: return "repeated_parameter";
  }
  return "unknown";
}

oauth::Error to_wire(FormProblem problem) {
  const auto bad = [](std::string description, int status = 0) {
    oauth::Error error{oauth::ErrorCode::invalid_request, std::move(description), {}};
    error.status = status;
    return error;
  };
  switch (problem) {
    case FormProblem::method_not_post: return bad("this endpoint takes POST only", 405);
    case FormProblem::parameters_in_url: return bad("parameters belong in the body, never in the URL");
    case FormProblem::wrong_media_type: return bad("the body must be application/x-www-form-urlencoded", 415);
    case FormProblem::wrong_charset: return bad("the body must be UTF-8", 415);
    case FormProblem::encoded_body: return bad("the body must not have a content encoding", 415);
    case FormProblem::body_too_large: return bad("the body is too large", 413);
    case FormProblem::too_many_parameters: return bad("the body has too many parameters");
    case FormProblem::malformed_form: return bad("the body is no well-formed form");
    case FormProblem::repeated_parameter: return bad("a parameter stands more than once");
  }
  return bad("the request is malformed");
}

Result<void, FormProblem> check_post(const http::Request& request) {
  if (request.method != "POST") return unexpected(FormProblem::method_not_post);
  if (!request.query.empty()) return unexpected(FormProblem::parameters_in_url);
  return {};
}

Result<void, FormProblem> check_media_type(const http::Request& request) {
  for (const std::string_view encoding : request.headers.find_all("Content-Encoding"))
    if (!http::equals_ignoring_case(trimmed(encoding), "identity")) return unexpected(FormProblem::encoded_body);

  const std::string* content_type = request.headers.find_single("Content-Type");
  if (content_type == nullptr) return unexpected(FormProblem::wrong_media_type);
  std::string_view rest = *content_type;
  const std::size_t end = std::min(rest.find(';'), rest.size());
  if (!http::equals_ignoring_case(trimmed(rest.substr(0, end)), "application/x-www-form-urlencoded"))
    return unexpected(FormProblem::wrong_media_type);
  rest = end == rest.size() ? std::string_view() : trimmed(rest.substr(end + 1));
  if (!rest.empty() && !names_utf8(rest)) return unexpected(FormProblem::wrong_charset);
  return {};
}

Result<form::Parameters, FormProblem> read_form(const http::Request& request) {
  auto parameters = form::parse(request.body);
  if (parameters) return std::move(*parameters);
  switch (parameters.error()) {
    case form::Problem::too_large: return unexpected(FormProblem::body_too_large);
    case form::Problem::too_many_parameters: return unexpected(FormProblem::too_many_parameters);
    default: return unexpected(FormProblem::malformed_form);
  }
}

Result<void, FormProblem> check_not_repeated(const form::Parameters& parameters) {
  // RFC 8707 §2 and RFC 8693 §2.1 let these two stand more than once; each grant decides how many it can bear.
  if (parameters.first_repeated({"resource", "audience"})) return unexpected(FormProblem::repeated_parameter);
  return {};
}

}  // namespace writ::token_service
