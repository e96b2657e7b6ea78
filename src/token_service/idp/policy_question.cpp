#include "token_service/idp/policy_question.h"

namespace writ::token_service::idp {

policy::Question connect_question(const Circumstances& circumstances, const registry::Server& server) {
  const registry::User& user = *circumstances.live.user;
  const registry::Agent& agent = circumstances.agent;
  policy::Question question;
  question.action = policy::Action::connect;
  question.principal = {user.id,    circumstances.snapshot.groups_of(user), circumstances.settings.issuer, user.email,
                        user.department, user.title};
  question.agent = {agent.id, agent.groups, agent.vendor, std::string(registry::to_string(circumstances.method))};
  question.server = {server.id, server.groups, server.environment};
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
