#pragma once

// The gateway's way into the review inbox.

#include "admin/definition_inbox.h"
#include "gateway/definition_reviews.h"

namespace writ::writd {

class InboxReviews final : public gateway::DefinitionReviews {
 public:
  explicit InboxReviews(admin::Administration& administration) : inbox_(administration) {}
  Task<Result<void, Unavailable>> keep(std::string server, std::vector<gateway::SeenDefinition> seen) override {
    std::vector<admin::SeenNow> now;
    for (gateway::SeenDefinition& one : seen) now.push_back({one.kind, std::move(one.name), std::move(one.definition), std::move(one.digest)});
    return inbox_.keep(std::move(server), std::move(now));
  }

 private:
  admin::DefinitionInbox inbox_;
};

}  // namespace writ::writd
