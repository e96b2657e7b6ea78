#include "token_service/idp/federation/admit_person.h"

namespace writ::token_service::idp {
namespace {

using registry::User;

const User::Link* link_of(const User& user, const UpstreamPerson& person) {
  for (const auto& link : user.links) {
    if (link.issuer == person.issuer && link.tenant == person.tenant && link.subject == person.subject) return &link;
  }
  return nullptr;
}

User::Link new_link(const UpstreamPerson& person, Instant as_of) {
  User::Link link;
  link.issuer = person.issuer, link.tenant = person.tenant, link.subject = person.subject;
  link.groups = person.groups;
  link.groups_as_of = as_of;
  return link;
}

// Most sign-ins bring no news, and then nothing is written. An ID token that is older than what the link says must not bring back a group that
// was taken away since.
bool brings_news(const User::Link* link, const UpstreamPerson& person, Instant as_of) {
  if (!link) return true;
  if (link->groups == person.groups) return false;
  return !link->groups_as_of || as_of >= *link->groups_as_of;
}

// What must be written before the person is in; absent: nothing.
struct Step {
  std::optional<User> create;
  std::string user_id;
  std::optional<User::Link> link;
  const char* how = "linked";
};

Step step_for(Found found, const UpstreamPerson& person, Instant as_of) {
  Step step;
  if (auto* created = std::get_if<ToCreate>(&found)) {
    created->user.links.push_back(new_link(person, as_of));
    step.create = std::move(created->user);
    step.how = "created";
    return step;
  }
  const bool is_linked = std::holds_alternative<Linked>(found);
  const User& user = is_linked ? *std::get<Linked>(found).user : *std::get<ToLink>(found).user;
  step.user_id = user.id;
  step.how = is_linked ? "linked" : "matched";
  if (brings_news(link_of(user, person), person, as_of)) step.link = new_link(person, as_of);
  return step;
}

}  // namespace

Task<Result<Admitted, AdmissionFailure>> admit_person(const Idp& idp, Federation& federation, registry::IdentityConnector connector, UpstreamPerson person,
                                                      Instant as_of, std::string peer) {
  const char* how = nullptr;
  // A second look when a change is refused: two first sign-ins of one person can meet, and then the other one has done it.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto snapshot = idp.registry.get();
    auto found = find_person(person, connector, *snapshot);
    if (!found) co_return unexpected(AdmissionFailure(found.error()));
    Step step = step_for(std::move(*found), person, as_of);
    if (!how) how = step.how;
    if (!step.create && !step.link) co_return Admitted{snapshot, snapshot->user(step.user_id), how};
    Result<void, PersonChangeFailure> changed;
    if (step.create) {
      auto created = co_await federation.people.create(std::move(*step.create), connector.id, peer);
      changed = std::move(created);
    } else {
      auto linked = co_await federation.people.set_link(step.user_id, std::move(*step.link), connector.id, peer);
      changed = std::move(linked);
    }
    if (!changed) {
      if (const auto* unavailable = std::get_if<Unavailable>(&changed.error())) co_return unexpected(AdmissionFailure(*unavailable));
    }
  }
  co_return unexpected(AdmissionFailure(NotAdmitted::change_refused));
}

}  // namespace writ::token_service::idp
