#include "gateway/cut_off.h"

#include "gateway/denial.h"

namespace writ::gateway {
namespace {

constexpr std::string_view kText = "no longer allowed: this was ended before it was complete, because access was withdrawn meanwhile. Do not retry it.";

}  // namespace

audit::Record cut_off_record(const Exchange& exchange, Instant now) {
  audit::Record record = exchange.record;
  record.event = audit::Event::call;
  record.effect = audit::Effect::deny;
  record.time = now;
  record.of_position = exchange.position;
  record.policy.clear(), record.arguments.clear(), record.more.clear();
  return record;
}

Task<CutOffNotice> record_cut_off(const Recorder& recorder, std::shared_ptr<const CutOff> cut_off) {
  CutOffNotice notice;
  notice.text = std::string(kText);
  if (!cut_off) co_return notice;
  audit::Record record = cut_off->record;
  const auto position = co_await recorder.decide(std::move(record));
  if (!position) co_return notice;
  const std::string code = audit::denial_code(*position);
  notice.data = denial_object(cut_off->verdict, code, recorder.settings());
  notice.text += " Reference: " + code + ".";
  co_return notice;
}

}  // namespace writ::gateway
