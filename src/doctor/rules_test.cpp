// Facts just inside, just outside and absent, and the sentence that each gets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/certificates.h"
#include "doctor/clock.h"
#include "doctor/files.h"
#include "doctor/limits.h"

namespace writ::doctor {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

auto is(Level level, const std::string& what) { return AllOf(Field(&Finding::level, level), Field(&Finding::what, HasSubstr(what))); }

const Instant kNow = from_unix_seconds(1'800'000'000);
constexpr std::int64_t kAt = 1'800'000'000, kDay = 86'400;

crypto::CertificateChain good_chain() {
  crypto::CertificateChain chain;
  chain.certificates = {{"CN=writ.example.com", "CN=authority", kAt - kDay, kAt + 90 * kDay, false}};
  chain.key_fits = true;
  return chain;
}

struct ChainCase {
  const char* name;
  std::function<void(crypto::CertificateChain&)> change;
  Level level;
  const char* what;
};

class Certificates : public testing::TestWithParam<ChainCase> {};

TEST_P(Certificates, AreJudged) {
  auto chain = good_chain();
  GetParam().change(chain);
  Report report;
  judge_certificate(report, "the certificate", chain, kNow);
  EXPECT_THAT(report.findings(), testing::Contains(is(GetParam().level, GetParam().what)));
  EXPECT_EQ(report.has_wrong(), GetParam().level == Level::wrong);
}

INSTANTIATE_TEST_SUITE_P(Doctor, Certificates, testing::Values(
    ChainCase{"as_they_should_be", [](auto&) {}, Level::good, "counts for another 90 days"},
    ChainCase{"end_in_two_weeks_and_a_second", [](auto& c) { c.certificates[0].not_after = kAt + 14 * kDay; }, Level::good, "another 14 days"},
    ChainCase{"end_within_two_weeks", [](auto& c) { c.certificates[0].not_after = kAt + 14 * kDay - 1; }, Level::warning, "ends in 13 days"},
    ChainCase{"end_in_a_second", [](auto& c) { c.certificates[0].not_after = kAt + 1; }, Level::warning, "ends in 0 days"},
    ChainCase{"end_now", [](auto& c) { c.certificates[0].not_after = kAt; }, Level::wrong, "ended 0 days ago"},
    ChainCase{"have_ended", [](auto& c) { c.certificates[0].not_after = kAt - 3 * kDay; }, Level::wrong, "ended 3 days ago"},
    ChainCase{"begin_in_a_second", [](auto& c) { c.certificates[0].not_before = kAt + 1; }, Level::wrong, "does not count yet"},
    ChainCase{"begin_now", [](auto& c) { c.certificates[0].not_before = kAt; }, Level::good, "counts for another"},
    ChainCase{"an_intermediate_has_ended", [](auto& c) { c.certificates.push_back({"CN=authority", "CN=root", 0, kAt - kDay, false}); }, Level::wrong, "the intermediate `CN=authority` ended"},
    ChainCase{"another_key", [](auto& c) { c.key_fits = false; }, Level::wrong, "do not belong together"},
    ChainCase{"in_the_wrong_order", [](auto& c) { c.broken_at = 0; }, Level::wrong, "certificate 1 of the file is not signed by the one behind it"},
    ChainCase{"for_another_name", [](auto& c) { c.hosts_not_named = {"id.example.com"}; }, Level::wrong, "does not name `id.example.com`"},
    ChainCase{"of_nobody_we_know", [](auto& c) { c.distrust = "unable to get local issuer certificate"; }, Level::warning, "unable to get local issuer certificate"}),
    [](const auto& row) { return row.param.name; });

TEST(HttpDates, AreReadInTheOneFormThatIsSent) {
  EXPECT_EQ(to_unix_seconds(*parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")), 784'111'777);
  for (const char* wrong : {"", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                            "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:3a GMT"}) {
    EXPECT_FALSE(parse_http_date(wrong)) << wrong;
  }
}

struct ClockCase {
  const char* name;
  std::int64_t sent, received;   // against 06 Nov 1994 08:49:37, in milliseconds
  Level level;
  const char* what;
};

class Clocks : public testing::TestWithParam<ClockCase> {};

TEST_P(Clocks, AreJudgedByWhatCannotBeTheWayOfTheAnswer) {
  const Instant theirs = from_unix_seconds(784'111'777);
  Report report;
  judge_clock(report, "the clock of `https://idp`", "Sun, 06 Nov 1994 08:49:37 GMT", theirs + Milliseconds{GetParam().sent}, theirs + Milliseconds{GetParam().received}, Seconds{30});
  EXPECT_THAT(report.findings(), ElementsAre(is(GetParam().level, GetParam().what)));
}

INSTANTIATE_TEST_SUITE_P(Doctor, Clocks, testing::Values(
    ClockCase{"the_same", 0, 200, Level::good, "agrees"},
    ClockCase{"cut_to_the_second", 999, 1'200, Level::good, "agrees"},
    ClockCase{"a_slow_answer_is_no_difference", -20'000, 20'000, Level::good, "agrees"},
    ClockCase{"behind_by_half_of_what_is_allowed", 15'999, 16'000, Level::good, "agrees"},
    ClockCase{"behind_by_a_little_more", 16'000, 16'100, Level::warning, "is 15 s behind this machine's clock"},
    ClockCase{"behind_by_all_that_is_allowed", 30'999, 31'000, Level::warning, "is 30 s behind"},
    ClockCase{"behind_by_more", 31'000, 31'000, Level::wrong, "is 30 s behind this machine's clock: more than the 30 s"},
    ClockCase{"ahead_by_all_that_is_allowed", -30'100, -30'000, Level::warning, "is 30 s ahead of"},
    ClockCase{"ahead_by_more", -30'101, -30'001, Level::wrong, "is 30 s ahead of"},
    ClockCase{"an_hour", 3'600'000, 3'600'100, Level::wrong, "is 3599 s behind"}),
    [](const auto& row) { return row.param.name; });

TEST(Clocks, ThatSayNothingAreNotJudged) {
  Report report;
  judge_clock(report, "the clock of `https://idp`", "", kNow, kNow, Seconds{30});
  EXPECT_THAT(report.findings(), ElementsAre(is(Level::note, "does not say what time it is")));
}

FileFacts good_file() { return {true, true, true, 0600, 40, kNow - std::chrono::hours(48)}; }

struct FileCase {
  const char* name;
  bool is_secret;
  std::function<void(FileFacts&)> change;
  Level level;
  const char* what;
};

class NamedFiles : public testing::TestWithParam<FileCase> {};

TEST_P(NamedFiles, AreJudged) {
  auto facts = good_file();
  GetParam().change(facts);
  Report report;
  judge_file(report, {"`store.password_file`", "/etc/writ/pgpass", GetParam().is_secret}, facts, kNow);
  EXPECT_THAT(report.findings(), ElementsAre(is(GetParam().level, GetParam().what)));
}

INSTANTIATE_TEST_SUITE_P(Doctor, NamedFiles, testing::Values(
    FileCase{"a_closed_secret", true, [](auto&) {}, Level::good, "is closed to others and changed 2 days ago"},
    FileCase{"only_for_reading", true, [](auto& f) { f.mode = 0400; }, Level::good, "is closed to others"},
    FileCase{"absent", true, [](auto& f) { f = {}; }, Level::wrong, "is not there"},
    FileCase{"a_folder", true, [](auto& f) { f.is_regular = false; }, Level::wrong, "is no regular file"},
    FileCase{"a_secret_for_the_group", true, [](auto& f) { f.mode = 0640; }, Level::wrong, "is open to others (mode 0640)"},
    FileCase{"a_secret_for_all", true, [](auto& f) { f.mode = 0604; }, Level::wrong, "is open to others (mode 0604)"},
    FileCase{"a_certificate_for_all", false, [](auto& f) { f.mode = 0644; }, Level::good, "can be read"},
    FileCase{"of_somebody_else", true, [](auto& f) { f.is_readable = false; }, Level::wrong, "cannot be read by the user who asks"},
    FileCase{"empty", true, [](auto& f) { f.bytes = 0; }, Level::wrong, "is empty"},
    FileCase{"a_secret_of_a_year", true, [](auto& f) { f.changed = kNow - std::chrono::hours(365 * 24); }, Level::good, "changed 365 days ago"},
    FileCase{"an_older_secret", true, [](auto& f) { f.changed = kNow - std::chrono::hours(365 * 24 + 1); }, Level::warning, "has not changed for 365 days"},
    FileCase{"an_old_certificate", false, [](auto& f) { f.changed = kNow - std::chrono::hours(9'000); }, Level::good, "can be read"}),
    [](const auto& row) { return row.param.name; });

TEST(NamedFiles, ComeFromConfigurationAndObjects) {
  config::Config config;
  config.public_listener.tls = config::TlsFiles{.certificate = "/c.pem", .key = "/c.key", .client_authorities = {}};
  config.public_listener.tls->client_authorities = "/clients.pem";
  config.authorities = "/servers.pem";
  config.store.password_file = "/pgpass";
  config.audit.sinks.push_back({});
  config.audit.sinks.back().id = "siem";
  config.audit.sinks.back().authorization_file = "/siem.secret";
  config.audit.sinks.back().ca_file = "/siem-ca.pem";
  std::vector<std::pair<std::string, bool>> named;
  for (const auto& file : files_of(config)) named.emplace_back(file.path, file.is_secret);
  EXPECT_THAT(named, ElementsAre(std::pair("/c.pem", false), std::pair("/c.key", true), std::pair("/clients.pem", false), std::pair("/servers.pem", false), std::pair("/pgpass", true), std::pair("/siem.secret", true), std::pair("/siem-ca.pem", false)));

  registry::Objects objects;
  registry::IdentityConnector used, unused;
  used.id = "entra", used.client_secret_file = "/entra.secret";
  unused.id = "old", unused.client_secret_file = "/old.secret", unused.active = false;
  objects.identity_connectors = {used, unused};
  const auto files = files_of(objects);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, "/entra.secret");
  EXPECT_TRUE(files[0].is_secret);
}

TEST(SealingKeys, MustBeThereOnceTheStoreIs) {
  const auto judged = [](const FileFacts& facts, bool store_exists, bool nodes) {
    Report report;
    judge_sealing_key(report, "/d/sealing.key", facts, store_exists, nodes);
    EXPECT_EQ(report.findings().size(), 1U);
    return report.findings().front();
  };
  FileFacts good = good_file();
  good.bytes = 32;
  FileFacts open = good, shorter = good, longer = good;
  open.mode = 0644, shorter.bytes = 31, longer.bytes = 33;
  EXPECT_THAT(judged(good, true, false), is(Level::good, "is there and closed to others"));
  EXPECT_THAT(judged({}, false, false), is(Level::note, "the first start makes it"));
  EXPECT_THAT(judged({}, true, false), is(Level::wrong, "is missing, and what rests in the store was sealed under it"));
  EXPECT_THAT(judged({}, false, true), is(Level::wrong, "is missing"));
  EXPECT_THAT(judged(open, true, false), is(Level::wrong, "is open to others (mode 0644)"));
  EXPECT_THAT(judged(shorter, true, false), is(Level::wrong, "has 31 bytes: it must have 32"));
  EXPECT_THAT(judged(longer, true, false), is(Level::wrong, "has 33 bytes"));
}

TEST(SigningKeys, AreTooOldAWeekAfterTheyShouldHaveBeenReplaced) {
  const auto judged = [](Seconds age) {
    Report report;
    judge_key_age(report, {"idp", kNow - age}, Seconds{90 * kDay}, kNow);
    return report.findings().front();
  };
  EXPECT_THAT(judged(Seconds{97 * kDay}), is(Level::good, "has signed for 97 days"));
  EXPECT_THAT(judged(Seconds{97 * kDay + 1}), is(Level::warning, "longer than `keys.rotate_after`"));
  EXPECT_THAT(judged(Seconds{-600}), is(Level::good, "has signed for 0 days")) << "published, and not in use yet";
}

TEST(Space, MustLastForTheLogsNextFiles) {
  const auto judged = [](std::uint64_t bytes, std::uint64_t files, bool counts) {
    Report report;
    judge_space(report, "/var/lib/writ", bytes, files, counts);
    return report.findings();
  };
  EXPECT_THAT(judged(5'000'000'000, 1'000, true), ElementsAre(is(Level::good, "has 5000 MB")));
  EXPECT_THAT(judged(4'999'999'999, 1'000, true), ElementsAre(is(Level::warning, "has 4999 MB")));
  EXPECT_THAT(judged(256ULL << 20, 1'000, true), ElementsAre(is(Level::warning, "has 268 MB")));
  EXPECT_THAT(judged((256ULL << 20) - 1, 1'000, true), ElementsAre(is(Level::wrong, "the log needs 268 MB")));
  EXPECT_THAT(judged(5'000'000'000, 99, true), ElementsAre(is(Level::good, "free"), is(Level::wrong, "room for 99 more files")));
  EXPECT_THAT(judged(5'000'000'000, 0, false), ElementsAre(is(Level::good, "free"))) << "a file system that does not count files";
}

TEST(FileDescriptors, MustBeEnough) {
  const auto judged = [](std::uint64_t limit, std::uint64_t in_use) {
    Report report;
    judge_descriptors(report, "the server", {limit, in_use});
    return report.findings();
  };
  EXPECT_THAT(judged(20'200, 0), ElementsAre(is(Level::good, "20200")));
  EXPECT_THAT(judged(20'199, 0), ElementsAre(is(Level::warning, "enough for some 9999 connections")));
  EXPECT_THAT(judged(1'024, 0), ElementsAre(is(Level::warning, "1024")));
  EXPECT_THAT(judged(1'023, 0), ElementsAre(is(Level::wrong, "1023")));
  EXPECT_THAT(judged(UINT64_MAX, 0), ElementsAre(is(Level::good, "as many files as it likes")));
  EXPECT_THAT(judged(20'200, 18'180), ElementsAre(is(Level::good, "20200"))) << "nine tenths";
  EXPECT_THAT(judged(20'200, 18'181), ElementsAre(is(Level::wrong, "has 18181 open")));
}

}  // namespace
}  // namespace writ::doctor
