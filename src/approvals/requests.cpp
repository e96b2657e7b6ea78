#include "approvals/requests.h"

#include <algorithm>

#include "crypto/random.h"

namespace writ::approvals {
namespace {

using policy::ApprovalNeeded;

constexpr Seconds kForgotten{3600};
constexpr Seconds kClaimRemembered{600};

bool is_member(const registry::User& user, const std::string& group, const registry::Snapshot& objects) {
  const auto& groups = objects.groups_of(user);
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

bool is_active_person(const registry::User& user) { return user.active && user.kind == registry::User::Kind::person; }

// Nobody approves their own calls, nor those of a service account that they answer for.
bool is_own(const registry::User& approver, const registry::User& requester) { return approver.id == requester.id || requester.owner == approver.id; }

bool lifts(const Need& need, const Request& request, const registry::Snapshot& objects) {
  if (!need.approval) return false;
  if (need.approval->break_glass) return true;
  const registry::User* approver = objects.user(need.approval->user);
  const registry::User* requester = objects.user(request.call.user);
  // As things are now: who has left the group or the company since has not approved.
  return approver && requester && is_active_person(*approver) && is_member(*approver, need.of.group, objects) && !is_own(*approver, *requester);
}

}  // namespace

std::string_view to_string(NotHeld why) {
  switch (why) {
    case NotHeld::arguments_too_large: return "arguments_too_large_for_approval";
    case NotHeld::too_many_of_user: return "too_many_calls_pending";
    case NotHeld::too_many: return "too_many_calls_pending_in_all";
  }
  return "not_held";
}

std::string_view to_string(Refused refused) {
  switch (refused) {
    case Refused::unknown: return "unknown";
    case Refused::expired: return "expired";
    case Refused::decided: return "decided";
    case Refused::own_request: return "own_request";
    case Refused::not_in_group: return "not_in_group";
    case Refused::approver_disabled: return "approver_disabled";
    case Refused::requester_disabled: return "requester_disabled";
  }
  return "refused";
}

audit::Claim claim_of(const Request& request) { return audit::make_claim(audit::Claim::Use::approval, "approvals", request.id, request.expires + kClaimRemembered); }

void Requests::put_in(Request request) {
  if (!request.used) {
    // Of two with one digest (an old one that ran out, and its successor) the newer one counts.
    const auto [entry, added] = by_digest_.emplace(request.digest, request.id);
    if (!added && entry->second != request.id) {
      const auto other = requests_.find(entry->second);
      if (other == requests_.end() || other->second.created < request.created) entry->second = request.id;
    }
  } else if (const auto newest = by_digest_.find(request.digest); newest != by_digest_.end() && newest->second == request.id) {
    by_digest_.erase(newest);
  }
  std::string id = request.id;
  requests_.insert_or_assign(std::move(id), std::move(request));
}

Result<std::unique_ptr<Requests>, Unavailable> Requests::open(registry::Documents& documents, Limits limits) {
  std::unique_ptr<Requests> requests(new Requests(documents, limits));
  for (const registry::Document& document : TRY(documents.load(kTable))) {
    Request request = TRY(read_request(document));
    requests->put_in(std::move(request));
  }
  return requests;
}

Result<void, Unavailable> Requests::take_over(const registry::Document& document) {
  Request request = TRY(read_request(document));
  const std::lock_guard lock(mutex_);
  const auto found = requests_.find(request.id);
  if (found == requests_.end() || request.version > found->second.version) put_in(std::move(request));
  return {};
}

Request* Requests::find_open(const std::string& digest, Instant now) {
  const auto id = by_digest_.find(digest);
  if (id == by_digest_.end()) return nullptr;
  const auto found = requests_.find(id->second);
  if (found == requests_.end() || found->second.used || now >= found->second.expires) return nullptr;
  return &found->second;
}

Task<Requests::Holding> Requests::hold(HeldCall call, std::vector<ApprovalNeeded> needed, std::string message, Instant now) {
  using Failure = std::variant<NotHeld, Unavailable>;
  Held held;
  std::optional<NotHeld> not_held;
  std::function<std::optional<registry::Document>()> change = [&]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const std::string digest = digest_of(call);
    if (Request* open = find_open(digest, now)) {
      const std::size_t before = open->needs.size();
      for (const ApprovalNeeded& need : needed) {
        // While a decision is stored the request stays as that decision saw it; the next time that the agent asks adds what is missing.
        if (being_decided_.contains(open->id)) break;
        const bool is_known = std::any_of(open->needs.begin(), open->needs.end(), [&](const Need& known) { return known.of == need; });
        if (!is_known) open->needs.push_back({need, std::nullopt});
      }
      held.request = *open;
      if (open->needs.size() == before) return std::nullopt;
      // What was approved for one forbid says nothing about another.
      held.request.version = ++open->version;
      return document_of(*open);
    }
    if (call.arguments.size() + call.more.size() > limits_.arguments_bytes_max) {
      not_held = NotHeld::arguments_too_large;
      return std::nullopt;
    }
    std::size_t of_user = 0, in_all = 0;
    for (const auto& [_, known] : requests_) {
      if (known.used || now >= known.expires) continue;
      ++in_all;
      of_user += known.call.user == call.user;
    }
    if (of_user >= limits_.pending_per_user_max) not_held = NotHeld::too_many_of_user;
    else if (in_all >= limits_.pending_max) not_held = NotHeld::too_many;
    if (not_held) return std::nullopt;
    Request& request = held.request;
    request.id = "apr_" + crypto::random_token(12);
    request.call = call;
    request.digest = digest;
    request.message = message;
    for (const ApprovalNeeded& need : needed) request.needs.push_back({need, std::nullopt});
    request.created = now;
    request.expires = now + kLifetime;
    held.is_new = true;
    requests_.emplace(request.id, request);
    by_digest_.insert_or_assign(digest, request.id);
    return document_of(request);
  };
  const auto stored = co_await registry::write_through(documents_, std::move(change));
  if (not_held) co_return unexpected(Failure{*not_held});
  if (!stored) {
    const std::lock_guard lock(mutex_);
    // Not acknowledged, so it never was.
    if (held.is_new && requests_.erase(held.request.id) > 0) by_digest_.erase(held.request.digest);
    co_return unexpected(Failure{stored.error()});
  }
  co_return held;
}

std::optional<Request> Requests::find_valid(const std::string& digest, const std::vector<ApprovalNeeded>& needed, const registry::Snapshot& objects, Instant now) const {
  const std::lock_guard lock(mutex_);
  const auto id = by_digest_.find(digest);
  if (id == by_digest_.end()) return std::nullopt;
  const auto found = requests_.find(id->second);
  if (found == requests_.end()) return std::nullopt;
  const Request& request = found->second;
  if (request.used || request.state(now) != State::approved || needed.empty()) return std::nullopt;
  for (const ApprovalNeeded& one : needed) {
    const auto need = std::find_if(request.needs.begin(), request.needs.end(), [&](const Need& known) { return known.of == one; });
    if (need == request.needs.end() || !lifts(*need, request, objects)) return std::nullopt;
  }
  return request;
}

Result<std::vector<ApprovalNeeded>, Refused> Requests::may_decide(const std::string& id, Word word, const Decider& decider, const registry::Snapshot& objects, Instant now) const {
  const std::lock_guard lock(mutex_);
  const auto found = requests_.find(id);
  if (found == requests_.end()) return unexpected(Refused::unknown);
  const Request& request = found->second;
  if (decider.user) {
    // First whether it is theirs to decide at all: others learn nothing, not even that it ran out.
    const registry::User* requester = objects.user(request.call.user);
    if (!is_active_person(*decider.user)) return unexpected(Refused::approver_disabled);
    if (requester && is_own(*decider.user, *requester)) return unexpected(Refused::own_request);
    const bool is_theirs = std::any_of(request.needs.begin(), request.needs.end(), [&](const Need& need) { return is_member(*decider.user, need.of.group, objects); });
    if (!is_theirs) return unexpected(Refused::not_in_group);
    if (!requester || !requester->active) return unexpected(Refused::requester_disabled);
  }
  if (request.used || request.rejected) return unexpected(Refused::decided);
  if (now >= request.expires) return unexpected(Refused::expired);
  std::vector<ApprovalNeeded> needs;
  for (const Need& need : request.needs) {
    // An approval that no longer counts (its approver has left) can be given anew.
    if (word == Word::approve && need.approval && lifts(need, request, objects)) continue;
    if (!decider.user || is_member(*decider.user, need.of.group, objects)) needs.push_back(need.of);
  }
  if (needs.empty()) return unexpected(Refused::decided);
  return needs;
}

Result<Request, std::variant<Refused, Unavailable>> Requests::plan(const std::string& id, Word word, const std::vector<ApprovalNeeded>& needs, const Approval& approver, const std::string& reason, Instant now) {
  using Failure = std::variant<Refused, Unavailable>;
  const std::lock_guard lock(mutex_);
  const auto found = requests_.find(id);
  if (found == requests_.end()) return unexpected(Failure{Refused::unknown});
  Request request = found->second;
  if (request.used || request.rejected) return unexpected(Failure{Refused::decided});
  if (now >= request.expires) return unexpected(Failure{Refused::expired});
  if (!being_decided_.insert(id).second) return unexpected(Failure{Unavailable{"another decision about this request is under way"}});
  if (word == Word::reject) {
    request.rejected = approver;
  } else {
    for (Need& need : request.needs) {
      if (std::find(needs.begin(), needs.end(), need.of) != needs.end()) need.approval = approver;
    }
    if (request.is_approved()) {
      Instant oldest = now;
      for (const Need& need : request.needs) oldest = std::min(oldest, need.approval->time);
      request.expires = oldest + kLifetime;
    }
  }
  request.reason = reason;
  ++request.version;
  return request;
}

Task<Result<Request, std::variant<Refused, Unavailable>>> Requests::decide(std::string id, Word word, std::vector<ApprovalNeeded> needs, Approval approver, std::string reason, Instant now) {
  using Failure = std::variant<Refused, Unavailable>;
  auto planned = plan(id, word, needs, approver, reason, now);
  if (!planned) co_return unexpected(planned.error());
  registry::Document document = document_of(*planned);
  const auto stored = co_await documents_.put_on_top(std::move(document));
  const std::lock_guard lock(mutex_);
  being_decided_.erase(id);
  if (!stored) co_return unexpected(Failure{stored.error()});
  // On another node somebody was quicker: whoever decides shall look again at what it is now.
  if (!*stored) co_return unexpected(Failure{Unavailable{"another decision about this request is under way"}});
  const auto found = requests_.find(id);
  if (found == requests_.end() || found->second.used) co_return unexpected(Failure{Refused::decided});
  found->second = *planned;
  co_return std::move(*planned);
}

Task<Result<void, Unavailable>> Requests::use(std::string id, Instant) {
  return registry::write_through(documents_, [this, id = std::move(id)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = requests_.find(id);
    if (found == requests_.end() || found->second.used) return std::nullopt;
    Request& request = found->second;
    request.used = true;
    request.version += being_decided_.contains(id) ? 2 : 1;   // above what is on its way
    const auto newest = by_digest_.find(request.digest);
    if (newest != by_digest_.end() && newest->second == id) by_digest_.erase(newest);
    return document_of(request);
  });
}

std::optional<Request> Requests::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = requests_.find(id);
  return found == requests_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Request> Requests::list() const {
  std::vector<Request> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [_, request] : requests_) all.push_back(request);
  }
  std::sort(all.begin(), all.end(), [](const Request& a, const Request& b) { return std::tie(a.created, a.id) < std::tie(b.created, b.id); });
  return all;
}

std::vector<Request> Requests::take_expired(Instant now) {
  std::vector<Request> expired;
  const std::lock_guard lock(mutex_);
  for (auto at = requests_.begin(); at != requests_.end();) {
    const Request& request = at->second;
    if (now >= request.expires && !request.used && !request.rejected && expiry_told_.insert(request.id).second) expired.push_back(request);
    if (now < request.expires + kForgotten) {
      ++at;
      continue;
    }
    const auto newest = by_digest_.find(request.digest);
    if (newest != by_digest_.end() && newest->second == request.id) by_digest_.erase(newest);
    expiry_told_.erase(request.id);
    at = requests_.erase(at);
  }
  return expired;
}

}  // namespace writ::approvals
