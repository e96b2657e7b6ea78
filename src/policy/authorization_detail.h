#pragma once

// Authorization details (RFC 9396) as policy sees them: the action `grant_detail` on the server, with the detail itself in `context.detail`. Nothing but a
// policy that names the action permits one; rows of the grants table do not.
//
//   permit(principal in Writ::Group::"treasury", action == Writ::Action::"grant_detail", resource == Writ::Server::"payments")
//   when { context.detail.type == "payment_initiation" && context.detail has actions && ["read"].containsAll(context.detail.actions) };

#include "cedar/value.h"
#include "policy/decision.h"

namespace writ::policy {

// `connect`, asked for the detail instead. It has no action of its own in Action: it is the grant of something that is no scope. The detail outlives it.
Question detail_question(Question connect, const json::Value& detail);
bool is_about_detail(const Question& question);

// `context.detail`: the members that all types have in common (RFC 9396 §2.2); there are no others in a detail that was checked.
cedar::Value detail_value(const json::Value& detail, cedar::Arena& arena);

inline constexpr const char* kGrantDetail = "grant_detail";
// In a record: types that policy granted, and those that it took away.
inline constexpr const char* kGrantedDetails = "authorization_details";
inline constexpr const char* kDroppedDetails = "dropped_details";

}  // namespace writ::policy
