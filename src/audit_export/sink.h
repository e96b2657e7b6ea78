#pragma once

// Where audit records are sent to.

#include <string>
#include <vector>

#include "audit/decisions_log.h"
#include "base/result.h"
#include "base/task.h"

namespace writ::audit_export {

class Sink {
 public:
  virtual ~Sink() = default;
  // Success: the receiver has all of them. The error is a sentence; nothing is known then of how many it has, and all are sent again.
  virtual Task<Result<void, std::string>> deliver(std::vector<audit::StoredRecord> batch) = 0;
};

enum class Format { ocsf, records };
// One record as a line of JSON without its end; a record that is no JSON goes as it is, so that nothing is ever left out.
std::string line_of(const audit::StoredRecord& record, Format format);

}  // namespace writ::audit_export
