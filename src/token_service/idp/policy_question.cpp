#include "token_service/idp/policy_question.h"

#include "policy/inquiry.h"

namespace writ::token_service::idp {

policy::Question connect_question(const Circumstances& circumstances, const registry::Server& server) {
  const registry::User& user = *circumstances.live.user;
  policy::Question question;
  question.action = policy::Action::connect;
  question.principal = policy::principal_facts(user, circumstances.snapshot, circumstances.settings.issuer);
  question.agent = policy::agent_facts(circumstances.agent, circumstances.method);
  question.server = policy::server_facts(server);
  question.authentication = authentication_of(circumstances.live.session, circumstances.now);
  question.ip = circumstances.ip;
  question.issuer = circumstances.settings.issuer;
  question.now = circumstances.now;
  return question;
}

policy::Question scope_question(const Circumstances& circumstances, const registry::Server& server, const registry::Scope& scope) {
  policy::Question question = connect_question(circumstances, server);
  question.action = policy::Action::grant_scope;
  question.scope = policy::ScopeFacts{scope.name, scope.high_impact};
  return question;
}

}  // namespace writ::token_service::idp
