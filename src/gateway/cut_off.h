#pragma once

// The end of an exchange that a change brought about (rules §5.3): the decision that ended it, its record, and what its client is told.

#include <memory>
#include <string>

#include "audit/record.h"
#include "base/task.h"
#include "encoding/json.h"
#include "gateway/call_authorization.h"
#include "gateway/exchange.h"
#include "gateway/recorder.h"

namespace writ::gateway {

struct CutOff {
  audit::Record record;      // of the new decision; belongs to that of the exchange (`of_position`)
  Verdict verdict;           // no question: what it points into is gone
};

// The beginning of the new decision's record: who and what, without what the first decision looked at.
audit::Record cut_off_record(const Exchange& exchange, Instant now);

// What the client is told, as every denial: text for an agent, and the object with the denial code.
struct CutOffNotice {
  std::string text;
  json::Value data;          // null when the record could not be written: the exchange ends all the same, without a code
};
Task<CutOffNotice> record_cut_off(const Recorder& recorder, std::shared_ptr<const CutOff> cut_off);

}  // namespace writ::gateway
