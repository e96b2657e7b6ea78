#pragma once

// Records as syslog messages (RFC 5424) for a TLS transport (RFC 5425).

#include "audit_export/sink.h"

namespace writ::audit_export {

struct SyslogSettings {
  std::string node;              // HOSTNAME
  Format format = Format::ocsf;
};

// One message without frame:
//   <86>1 2026-11-25T02:00:00.123Z node1 writ - call [meta sequenceId="4711"] BOM{…}
// Facility 10 (security), severity notice for a denial, else informational; MSGID is the record's event.
std::string syslog_message(const audit::StoredRecord& record, const SyslogSettings& settings);
// With octet counting: LENGTH SP MESSAGE (RFC 5425 §4.3).
std::string framed(const std::string& message);

// A connection for each batch. Syslog itself acknowledges nothing; what does is the receiver's own end of the TLS connection after ours: it has read
// everything then (RFC 5425 §4.4).
class Stream {
 public:
  virtual ~Stream() = default;
  // Connects, sends, ends its output and waits for the peer's end. The error is a sentence.
  virtual Task<Result<void, std::string>> send_and_close(std::string bytes) = 0;
};

class Syslog final : public Sink {
 public:
  Syslog(SyslogSettings settings, Stream& stream) : settings_(std::move(settings)), stream_(stream) {}
  Task<Result<void, std::string>> deliver(std::vector<audit::StoredRecord> batch) override;

 private:
  SyslogSettings settings_;
  Stream& stream_;
};

}  // namespace writ::audit_export
