#pragma once

// The accounts of subjects of trusted issuers: how a subject becomes somebody here, and how that ends (docs/reference/trusted-issuers.md). Every word that
// changes something is on record as `linked_account`.

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "audit/decisions_log.h"
#include "linked_accounts/offers.h"

namespace writ::linked_accounts {

// People and links are objects, and change the one way that all objects change. The program plugs it in. Afterwards the registry's snapshot has the
// change. Safe to share between threads.
struct ChangeRefused {
  std::string why;
};
using ChangeFailure = std::variant<ChangeRefused, Unavailable>;
class AccountChanges {
 public:
  virtual ~AccountChanges() = default;
  virtual Task<Result<void, ChangeFailure>> create(registry::User user, std::string actor, std::string peer) = 0;   // the id is the directory's to choose
  virtual Task<Result<void, ChangeFailure>> add_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) = 0;
  virtual Task<Result<void, ChangeFailure>> remove_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) = 0;
};

// A subject of a verified ID-JAG that nobody is linked to, and what shall become of it.
struct Newcomer {
  registry::LinkedSubject of;
  std::string offered_to, email;              // id of a person, and the address; empty: somebody is created
  registry::User created;                     // without id and link
  std::string agent, client_id, id_jag_jti, peer;
};
enum class Met { created, pending, rejected, too_many, change_refused };

struct Account {
  std::string id;
  registry::LinkedSubject of;
  std::string user, user_name;                // who it is, or whom it is offered to
  std::string email, agent;                   // of an offer
  enum class State { linked, pending, rejected } state = State::linked;
  Instant expires{};                          // of an offer or its rejection
};
std::string_view to_string(Account::State state);
json::Value to_json(const Account& account);

// Who says a word.
struct Speaker {
  std::string user;                           // id of the person; empty: an administrator
  std::string actor;                          // "token:ci", "local": of an administrator
  std::string peer;
};
enum class Refused {
  unknown,             // there is no such account, or it is none of theirs
  rejected,            // a person said no before; an administrator may think otherwise
  person_disabled,     // or no person
  issuer_not_trusted,  // any more, or not to link by address
  address_changed,     // it is not that person's checked address any more
  linked_to_another,   // the person is somebody else at this issuer already
  change_refused,
};
std::string_view to_string(Refused refused);
std::string_view sentence(Refused refused);   // for people, with what to do
using WordFailure = std::variant<Refused, Unavailable>;

// Safe to share between threads. All parts outlive it.
class LinkedAccounts {
 public:
  LinkedAccounts(Offers& offers, AccountChanges& changes, audit::DecisionsLog& log, const registry::Current& registry, const Clock& clock)
      : offers_(offers), changes_(changes), log_(log), registry_(registry), clock_(clock) {}

  Task<Result<Met, Unavailable>> meet(Newcomer newcomer);

  // All of them, links of sign-in at identity connectors included; of one person when `user` is not empty.
  std::vector<Account> list(const std::string& user = {}) const;
  std::optional<Account> find(const std::string& id) const;

  Task<Result<Account, WordFailure>> confirm(std::string id, Speaker speaker);
  Task<Result<Account, WordFailure>> reject(std::string id, Speaker speaker);
  // Tokens that were given because of the link end with it.
  Task<Result<Account, WordFailure>> unlink(std::string id, Speaker speaker);

  void forget_expired(Instant now) { offers_.forget_expired(now); }

 private:
  Task<Result<Met, Unavailable>> offer(Newcomer newcomer);
  Task<Result<Met, Unavailable>> create(Newcomer newcomer);
  Task<Result<void, Unavailable>> record(const char* what, audit::Effect effect, const Account& account, const Speaker& speaker);

  Offers& offers_;
  AccountChanges& changes_;
  audit::DecisionsLog& log_;
  const registry::Current& registry_;
  const Clock& clock_;
};

}  // namespace writ::linked_accounts
