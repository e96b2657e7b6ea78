#include "audit_export/webhook.h"

namespace writ::audit_export {
namespace {

constexpr int kTimeoutMs = 15'000;

}  // namespace

Task<Result<void, std::string>> Webhook::deliver(std::vector<audit::StoredRecord> batch) {
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = settings_.url;
  request.ca_file = settings_.ca_file;
  request.timeout_ms = kTimeoutMs;
  request.headers.set("Content-Type", "application/x-ndjson");
  request.headers.set("X-Writ-Sink", settings_.id);
  request.headers.set("X-Writ-Last-Position", std::to_string(batch.back().position));
  if (settings_.authorization) {
    const auto authorization = settings_.authorization();
    if (!authorization) co_return unexpected(authorization.error());
    request.headers.set("Authorization", std::string(authorization->reveal()));
  }
  for (const audit::StoredRecord& record : batch) request.body.append(line_of(record, settings_.format)).append("\n");
  auto sending = outgoing_.fetch(std::move(request));
  const auto response = co_await sending;
  if (!response) co_return unexpected("`" + settings_.url + "` could not be reached: " + response.error().detail);
  if (response->status < 200 || response->status > 299) co_return unexpected("`" + settings_.url + "` answered " + std::to_string(response->status));
  co_return Result<void, std::string>{};
}

}  // namespace writ::audit_export
