#include "policy/decision.h"
#include "base/shared_cell.h"

#include <atomic>

namespace writ::policy {
namespace {

// What decides before any bundle is active: nothing is allowed (X7).
class DenyEverything final : public Policy {
 public:
  Decision decide(const Question&) const override {
    Decision decision;
    decision.version = version_;
    return decision;
  }
  bool could_allow(const Question&) const override { return false; }
  const std::string& version() const override { return version_; }

 private:
  std::string version_ = "none";
};

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::connect: return "connect";
    case Action::grant_scope: return "grant_scope";
    case Action::call: return "call";
    case Action::read_resource: return "read_resource";
    case Action::subscribe: return "subscribe";
    case Action::get_prompt: return "get_prompt";
    case Action::complete: return "complete";
  }
  return "unknown";
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::allowed: return "allowed";
    case Kind::no_permit: return "no_permit";
    case Kind::forbidden: return "forbidden";
    case Kind::policy_error: return "policy_error";
    case Kind::arguments_not_decidable: return "arguments_not_decidable";
    case Kind::approval_pending: return "approval_pending";
  }
  return "unknown";
}

struct Current::State {
  SharedCell<const Policy> policy;
};

Current::Current() : state_(std::make_shared<State>()) { set(std::make_shared<DenyEverything>()); }
std::shared_ptr<const Policy> Current::get() const { return state_->policy.load(); }
void Current::set(std::shared_ptr<const Policy> policy) { state_->policy.store(std::move(policy)); }

}  // namespace writ::policy
