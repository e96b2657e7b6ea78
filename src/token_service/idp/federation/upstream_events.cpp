#include "token_service/idp/federation/upstream_events.h"

#include "token_service/idp/federation/federation.h"
#include "token_service/idp/session_administration.h"

namespace writ::token_service::idp {
namespace {

using Format = signals::Identifier::Format;

// Its subjects that are meant: by its own name for them, or by the address of people who are linked to it.
std::vector<std::string> subjects_of(const signals::Subject& subject, const registry::IdentityConnector& connector, const registry::Snapshot& snapshot) {
  std::vector<std::string> subjects;
  if (!subject.has_user) return subjects;
  if (subject.user.format == Format::iss_sub && subject.user.issuer == connector.issuer) subjects.push_back(subject.user.subject);
  if (subject.user.format != Format::email) return subjects;
  for (const registry::User* user : snapshot.people().with_email(subject.user.email)) {
    for (const auto& link : user->links) {
      if (link.issuer == connector.issuer) subjects.push_back(link.subject);
    }
  }
  return subjects;
}

const registry::User* person_of(const std::string& subject, const registry::IdentityConnector& connector, const registry::Snapshot& snapshot) {
  const auto linked = snapshot.people().linked_to(connector.issuer, subject);
  return linked.empty() ? nullptr : linked.front();
}

}  // namespace

Task<Result<signals::Obeyed, Unavailable>> end_upstream_access(const Idp& idp, registry::IdentityConnector connector, signals::Subject subject, std::int64_t until_seconds,
                                                               std::string peer) {
  const auto snapshot = idp.registry.get();
  signals::Obeyed obeyed;
  obeyed.reason = "subject_unknown";
  // To the end of that second: a session that began in it began before the event, or will begin again.
  const Instant until = from_unix_seconds(until_seconds + 1);
  std::optional<Unavailable> failure;
  for (const std::string& name : subjects_of(subject, connector, *snapshot)) {
    for (const Session& session : idp.sessions.of_upstream(connector.issuer, name, "")) {
      if (session.ended || session.created >= until) continue;
      obeyed.reason = "access_ended", obeyed.user_id = session.user_id;
      std::string actor = "connector:" + connector.id;
      const auto ended = co_await end_session(idp, session.id, SessionEnd::revoked, std::move(actor), peer);
      if (!ended) failure = ended.error();   // go on: each that can be ended is
    }
    const registry::User* person = person_of(name, connector, *snapshot);
    if (!person) continue;
    obeyed.reason = "access_ended", obeyed.user_id = person->id;
    // The provider's own tokens of before are subject tokens here, and there is no list of them: a moment stands for them.
    const auto raised = co_await idp.federation->people.set_not_before(person->id, from_unix_seconds(until_seconds), connector.id, peer);
    if (!raised) failure = Unavailable{"the directory of people"};
  }
  if (failure) co_return unexpected(*failure);
  co_return obeyed;
}

}  // namespace writ::token_service::idp
