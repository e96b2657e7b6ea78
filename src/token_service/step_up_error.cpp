#include "token_service/step_up_error.h"

namespace writ::token_service {

oauth::Error step_up_error(const policy::StepUp& step_up) {
  oauth::Error error{oauth::ErrorCode::insufficient_user_authentication, "sign in again, in a stronger way or more recently", {}};
  if (!step_up.acr_values.empty()) error.members.push_back({"acr_values", step_up.acr_values});
  if (step_up.max_age_seconds) error.members.push_back({"max_age", *step_up.max_age_seconds});   // a number (IDJAG-71)
  return error;
}

}  // namespace writ::token_service
