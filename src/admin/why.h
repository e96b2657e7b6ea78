#pragma once

// Why a recorded decision was what it was, with objects and policy as they were then. Inside admin/ only.

#include "admin/administration.h"

namespace writ::admin {

// {explained, sentence, legs, change | no_change, not_recorded, today}; `record` is its JSON line. With `explained: false` the sentence says what is missing.
Task<Result<json::Value, Unavailable>> explain_record(Administration& administration, json::Value record);

}  // namespace writ::admin
