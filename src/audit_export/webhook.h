#pragma once

// Batches as POST requests: lines of JSON (application/x-ndjson), at least once. `X-Writ-Last-Position` is the position of the last record; a
// receiver that remembers it can leave out what it has.

#include <functional>

#include "audit_export/sink.h"
#include "base/secret.h"
#include "http/message.h"

namespace writ::audit_export {

struct WebhookSettings {
  std::string id, url, ca_file;
  Format format = Format::ocsf;
  // The value of Authorization, read anew for each request so that it can be replaced. Null: none is sent. The error is a sentence.
  std::function<Result<Secret, std::string>()> authorization;
};

class Webhook final : public Sink {
 public:
  Webhook(WebhookSettings settings, http::Outgoing& outgoing) : settings_(std::move(settings)), outgoing_(outgoing) {}
  Task<Result<void, std::string>> deliver(std::vector<audit::StoredRecord> batch) override;

 private:
  WebhookSettings settings_;
  http::Outgoing& outgoing_;
};

}  // namespace writ::audit_export
