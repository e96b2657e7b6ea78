#include "adapters/log/checkpoint.h"

#include "adapters/log/bytes.h"

namespace writ::log {
namespace {

std::optional<std::string> from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    if (digit(text[i]) < 0 || digit(text[i + 1]) < 0) return std::nullopt;
    bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  }
  if (bytes.size() * 2 != text.size()) return std::nullopt;
  return bytes;
}

}  // namespace

std::string sign_statement(const jose::SigningKey& key, const char* type, const Statement& statement) {
  const json::Value claims{{"log", statement.log}, {"node", statement.node}, {"position", statement.position}, {"link", to_hex(view_of(statement.link))},
                           {"segment", statement.segment}, {"time", statement.time_ms}};
  return jose::sign(key, type, claims);
}

std::string_view to_string(StatementProblem problem) {
  switch (problem) {
    case StatementProblem::not_a_statement: return "it is no signed statement about the audit log";
    case StatementProblem::unknown_key: return "it was signed with a key that is not among the given ones";
    case StatementProblem::bad_signature: return "its signature is wrong";
  }
  return "";
}

Result<Statement, StatementProblem> verify_statement(std::string_view compact, const char* type, const jose::KeySet& keys) {
  auto unverified = jose::UnverifiedJwt::parse(compact);
  if (!unverified || !unverified->has_type(type)) return unexpected(StatementProblem::not_a_statement);
  if (!keys.find(unverified->kid(), crypto::Algorithm::es256)) return unexpected(StatementProblem::unknown_key);
  constexpr crypto::Algorithm kAllowed[] = {crypto::Algorithm::es256};
  const auto verified = jose::VerifiedJwt::verify(std::move(*unverified), keys, kAllowed);
  if (!verified) return unexpected(StatementProblem::bad_signature);
  const json::Value& claims = verified->claims();
  const auto* log = claims.find_string("log");
  const auto* node = claims.find_string("node");
  const auto* position = claims.find_int("position");
  const auto* link_text = claims.find_string("link");
  const auto* segment = claims.find_int("segment");
  const auto* time = claims.find_int("time");
  const auto link = link_text ? from_hex(*link_text) : std::nullopt;
  if (!log || !node || !position || *position < 0 || !segment || *segment < 0 || !time || !link || link->size() != kLinkBytes) {
    return unexpected(StatementProblem::not_a_statement);
  }
  return Statement{*log, *node, static_cast<std::uint64_t>(*position), array_at<Link>(*link, 0), static_cast<std::uint64_t>(*segment), *time};
}

}  // namespace writ::log
