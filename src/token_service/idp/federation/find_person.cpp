#include "token_service/idp/federation/find_person.h"

#include <algorithm>
#include <vector>

namespace writ::token_service::idp {
namespace {

using registry::IdentityConnector;
using registry::User;

Result<void, NotAdmitted> check_admissible(const User& user) {
  if (user.kind != User::Kind::person) return unexpected(NotAdmitted::not_a_person);
  if (!user.active) return unexpected(NotAdmitted::user_disabled);
  return {};
}

bool is_in_domains(const UpstreamPerson& person, const IdentityConnector& connector) {
  const std::string domain = registry::domain_of(person.email);
  return !domain.empty() && std::find(connector.domains.begin(), connector.domains.end(), domain) != connector.domains.end();
}

// An address is somebody's only where the provider has checked it, in a domain that is this provider's to speak for: otherwise anybody with an account
// there could write down the address of somebody here.
Result<void, NotAdmitted> check_email(const UpstreamPerson& person, const IdentityConnector& connector) {
  if (!person.email_verified) return unexpected(NotAdmitted::email_not_verified);
  if (!is_in_domains(person, connector)) return unexpected(NotAdmitted::email_not_in_domains);
  return {};
}

// Who fits the match rule; null when nobody does.
Result<const User*, NotAdmitted> match(const UpstreamPerson& person, const IdentityConnector& connector, const registry::Snapshot& snapshot) {
  if (connector.match_by == IdentityConnector::MatchBy::nothing) return nullptr;
  if (connector.match_by == IdentityConnector::MatchBy::email) {
    TRY(check_email(person, connector));
  } else if (person.match_value.empty()) {
    return unexpected(NotAdmitted::match_claim_missing);
  }
  std::vector<const User*> fitting;
  switch (connector.match_by) {
    case IdentityConnector::MatchBy::nothing: break;
    case IdentityConnector::MatchBy::external_id:
      fitting = snapshot.people().with_external_id(person.match_value);
      std::erase_if(fitting, [&](const User* user) { return user->external_id != person.match_value; });
      break;
    case IdentityConnector::MatchBy::user_name: fitting = snapshot.people().namesakes(person.match_value); break;
    case IdentityConnector::MatchBy::email:
      fitting = snapshot.people().with_email(person.email);
      std::erase_if(fitting, [](const User* user) { return !user->email_verified; });
      break;
  }
  if (fitting.size() > 1) return unexpected(NotAdmitted::match_ambiguous);
  return fitting.empty() ? nullptr : fitting.front();
}

Result<void, NotAdmitted> check_match(const User& user, const UpstreamPerson& person, const IdentityConnector& connector) {
  TRY(check_admissible(user));
  // Names and external ids are the words of one directory: another company's provider must not sign its people in by them.
  if (!user.provisioned_by.empty() && user.provisioned_by != connector.id) return unexpected(NotAdmitted::kept_by_another);
  const auto is_elsewhere = [&](const auto& link) { return link.issuer == person.issuer && link.tenant == person.tenant; };
  if (std::any_of(user.links.begin(), user.links.end(), is_elsewhere)) return unexpected(NotAdmitted::linked_to_another);
  // Whoever can choose his name at the provider must not become the local administrator of that name.
  if (!user.password_hash.empty()) return unexpected(NotAdmitted::local_account);
  return {};
}

// Who may be created without anybody having asked: when certain claims are required they have been checked; otherwise the address decides, where
// domains are named.
Result<User, NotAdmitted> create(const UpstreamPerson& person, const IdentityConnector& connector, const registry::Snapshot& snapshot) {
  if (!connector.just_in_time || connector.scim) return unexpected(NotAdmitted::unknown);
  if (!connector.domains.empty() && connector.required_claims.empty()) TRY(check_email(person, connector));
  User user;
  user.name = person.user_name.empty() ? person.email : person.user_name;
  if (user.name.empty()) return unexpected(NotAdmitted::name_missing);
  if (!snapshot.people().namesakes(user.name).empty()) return unexpected(NotAdmitted::name_taken);
  if (!snapshot.people().with_email(person.email).empty()) return unexpected(NotAdmitted::email_taken);
  user.display_name = person.display_name;
  user.email = person.email;
  user.email_verified = person.email_verified && (connector.domains.empty() || is_in_domains(person, connector));
  user.department = person.department;
  user.title = person.title;
  return user;
}

}  // namespace

std::string_view to_string(NotAdmitted reason) {
  switch (reason) {
    case NotAdmitted::user_disabled: return "user_disabled";
    case NotAdmitted::not_a_person: return "not_a_person";
    case NotAdmitted::unknown: return "user_unknown";
    case NotAdmitted::match_claim_missing: return "match_claim_missing";
    case NotAdmitted::match_ambiguous: return "collision_several_match";
    case NotAdmitted::linked_to_another: return "collision_linked_to_another";
    case NotAdmitted::kept_by_another: return "collision_kept_by_another_directory";
    case NotAdmitted::local_account: return "collision_local_account";
    case NotAdmitted::email_not_verified: return "email_not_verified";
    case NotAdmitted::email_not_in_domains: return "email_not_in_domains";
    case NotAdmitted::name_missing: return "user_name_missing";
    case NotAdmitted::name_taken: return "collision_name_taken";
    case NotAdmitted::email_taken: return "collision_email_taken";
    case NotAdmitted::change_refused: return "collision_change_refused";
  }
  return "user_unknown";
}

Result<Found, NotAdmitted> find_person(const UpstreamPerson& person, const registry::IdentityConnector& connector, const registry::Snapshot& snapshot) {
  if (const User* user = snapshot.user_by_link(person.issuer, person.tenant, person.subject)) {
    TRY(check_admissible(*user));
    return Found(Linked{user});
  }
  const User* matching = TRY(match(person, connector, snapshot));
  if (matching) {
    TRY(check_match(*matching, person, connector));
    return Found(ToLink{matching});
  }
  ToCreate created{TRY(create(person, connector, snapshot))};
  return Found(std::move(created));
}

}  // namespace writ::token_service::idp
