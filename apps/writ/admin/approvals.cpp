// writ approvals --admin: held calls over the admin API. An API token may only look and reject; whoever runs the service may approve over the local
// socket, which is recorded as break glass.

#include "admin_client.h"
#include "approval_output.h"
#include "approvals_command.h"
#include "output.h"

namespace writ::cli::admin {

void administer_approvals(const ApprovalsOptions& options, Context& context) {
  const AdminClient client(context);
  const std::string path = "/admin/v1/approvals" + (options.id.empty() ? "" : "/" + path_segment(options.id));
  const bool decides = options.word == "approve" || options.word == "reject";
  const auto body = decides ? std::optional(json::Value{{"decision", options.word}, {"reason", options.reason}}) : std::nullopt;
  const auto answer = client.ask(context, decides ? "POST" : "GET", path, body);
  if (!answer) return;
  const json::Value* items = answer->body.find("items");
  if (context.json) return print_json(items ? *items : answer->body);
  if (items) return print_approvals(*items);
  print_approval(answer->body);
}

}  // namespace writ::cli::admin
