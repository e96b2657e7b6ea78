#pragma once

// The words of `writ approvals`, shared by a person's side (apps/writ/approvals.cpp) and an administrator's.

#include <string>

namespace writ::cli {

struct ApprovalsOptions {
  std::string word;      // list, show, approve, reject
  std::string id;        // but for list
  std::string reason;
  bool admin = false;
};

namespace admin {
struct Context;
void administer_approvals(const ApprovalsOptions& options, Context& context);
}

}  // namespace writ::cli
