#pragma once

// What the operations do. Inside admin/ only. A call that gets here comes from somebody who may make it.

#include "admin/api.h"
#include "admin/requests.h"

namespace writ::admin {

using OperationHandler = Task<http::Response> (*)(const Api& api, const Call& call);
OperationHandler handler_of(std::string_view operation);   // by Operation::name; never null for those in operations()

// objects
Task<http::Response> list_objects(const Api& api, const Call& call);
Task<http::Response> get_object(const Api& api, const Call& call);
Task<http::Response> put_object(const Api& api, const Call& call);
Task<http::Response> delete_object(const Api& api, const Call& call);
Task<http::Response> get_object_history(const Api& api, const Call& call);
Task<http::Response> plan_documents(const Api& api, const Call& call);
Task<http::Response> apply_documents(const Api& api, const Call& call);
Task<http::Response> get_status(const Api& api, const Call& call);
// reviews
Task<http::Response> list_reviews(const Api& api, const Call& call);
Task<http::Response> approve_reviews(const Api& api, const Call& call);
Task<http::Response> reject_reviews(const Api& api, const Call& call);
// policy
// {files: {name: text}, reason}, as a change that makes it the active bundle.
Result<Change, http::Response> read_bundle_request(const Call& call);
Task<http::Response> get_policy(const Api& api, const Call& call);
Task<http::Response> list_policy_versions(const Api& api, const Call& call);
Task<http::Response> get_policy_version(const Api& api, const Call& call);
Task<http::Response> restore_policy(const Api& api, const Call& call);
Task<http::Response> test_policy(const Api& api, const Call& call);
Task<http::Response> check_policy(const Api& api, const Call& call);
Task<http::Response> activate_policy(const Api& api, const Call& call);
Task<http::Response> diff_policy(const Api& api, const Call& call);
Task<http::Response> replay_policy(const Api& api, const Call& call);
Task<http::Response> get_shadow(const Api& api, const Call& call);
Task<http::Response> start_shadow(const Api& api, const Call& call);
Task<http::Response> stop_shadow(const Api& api, const Call& call);
Task<http::Response> promote_policy(const Api& api, const Call& call);
// held calls
Task<http::Response> list_approvals(const Api& api, const Call& call);
Task<http::Response> get_approval(const Api& api, const Call& call);
Task<http::Response> decide_approval(const Api& api, const Call& call);
// accounts of other issuers
Task<http::Response> list_accounts(const Api& api, const Call& call);
Task<http::Response> get_account(const Api& api, const Call& call);
Task<http::Response> approve_account(const Api& api, const Call& call);
Task<http::Response> reject_account(const Api& api, const Call& call);
Task<http::Response> unlink_account(const Api& api, const Call& call);
// records
Task<http::Response> query_audit(const Api& api, const Call& call);
Task<http::Response> explain_denial(const Api& api, const Call& call);
Task<http::Response> explain_access(const Api& api, const Call& call);
// keys and sessions
Task<http::Response> list_keys(const Api& api, const Call& call);
Task<http::Response> rotate_key(const Api& api, const Call& call);
Task<http::Response> list_sessions(const Api& api, const Call& call);
Task<http::Response> end_session(const Api& api, const Call& call);
Task<http::Response> end_sessions_of_user(const Api& api, const Call& call);
Task<http::Response> reset_second_factor(const Api& api, const Call& call);
// servers behind the gateway
Task<http::Response> list_upstreams(const Api& api, const Call& call);
// security events
Task<http::Response> list_signals(const Api& api, const Call& call);
Task<http::Response> set_signal_stream(const Api& api, const Call& call);
Task<http::Response> remove_signal_stream(const Api& api, const Call& call);

}  // namespace writ::admin
