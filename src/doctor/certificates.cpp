#include "doctor/certificates.h"

namespace writ::doctor {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kSoon = 14 * kDay;   // a renewal that failed leaves time to notice
constexpr const char* kArea = "tls";

std::string days(std::int64_t seconds) {
  const std::int64_t whole = seconds / kDay;
  return std::to_string(whole) + (whole == 1 ? " day" : " days");
}

void judge_dates(Report& report, const std::string& where, const crypto::CertificateFacts& facts, bool is_own, Instant now) {
  const std::int64_t at = to_unix_seconds(now);
  const std::string which = is_own ? where : where + ": the intermediate `" + facts.subject + "`";
  if (at >= facts.not_after) return report.wrong(kArea, which + " ended " + days(at - facts.not_after) + " ago", "renew it, put the new one in its place and send SIGHUP to writd");
  if (at < facts.not_before) return report.wrong(kArea, which + " does not count yet: it begins in " + days(facts.not_before - at), "check this machine's clock, or wait");
  if (facts.not_after - at < kSoon) return report.warning(kArea, which + " ends in " + days(facts.not_after - at), "renew it: from then on nobody gets in");
  if (is_own) report.good(kArea, which + " counts for another " + days(facts.not_after - at));
}

}  // namespace

void judge_certificate(Report& report, const std::string& where, const crypto::CertificateChain& chain, Instant now) {
  for (std::size_t i = 0; i < chain.certificates.size(); ++i) judge_dates(report, where, chain.certificates[i], i == 0, now);
  if (!chain.key_fits) report.wrong(kArea, where + " and its key do not belong together", "name the key that the certificate was made for, without a passphrase");
  if (chain.broken_at) {
    report.wrong(kArea, where + ": certificate " + std::to_string(*chain.broken_at + 1) + " of the file is not signed by the one behind it",
                 "put the listener's own certificate first, and behind each the one that signed it");
  }
  for (const auto& host : chain.hosts_not_named) {
    report.wrong(kArea, where + " does not name `" + host + "`", "get one with that name among its subject alternative names, or take the name out of `hosts` and `base_url`");
  }
  const bool dates_say_it = to_unix_seconds(now) >= chain.certificates.front().not_after;
  if (!chain.distrust.empty() && !chain.broken_at && !dates_say_it) {
    report.warning(kArea, where + " is not vouched for by this system's certificate authorities: " + chain.distrust,
                   chain.certificates.front().self_signed ? "every client must be told to trust it: get one that an authority has signed"
                                                          : "add the intermediate certificates to the file; of a company's own authority every client must be told");
  }
}

}  // namespace writ::doctor
