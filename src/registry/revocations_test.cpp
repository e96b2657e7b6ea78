#include "registry/revocations.h"

#include <gtest/gtest.h>

#include "registry/objects.h"

namespace writ::registry {
namespace {

constexpr Instant kRestored{Milliseconds{1'795'000'000'500}};

class Restored final : public Revocations {
 public:
  explicit Restored(Instant moment) : moment_(moment) {}
  bool is_token_revoked(std::string_view) const override { return false; }
  bool is_session_ended(std::string_view) const override { return false; }
  Task<Result<void, Unavailable>> revoke_token(std::string, Instant) override { co_return Result<void, Unavailable>{}; }
  Task<Result<void, Unavailable>> end_session(std::string, Instant) override { co_return Result<void, Unavailable>{}; }
  std::uint64_t epoch() const override { return 1; }
  Instant restored() const override { return moment_; }

 private:
  Instant moment_;
};

struct Row {
  const char* name;
  std::optional<Instant> not_before;
  Instant restored, issued;
  Seconds clock_difference{0};
  bool taken_back = false;
};

class TakenBack : public ::testing::TestWithParam<Row> {};

TEST_P(TakenBack, IsWhatWasIssuedBefore) {
  const Row& row = GetParam();
  User user;
  user.not_before = row.not_before;
  EXPECT_EQ(is_taken_back(row.issued, user, Restored(row.restored), row.clock_difference), row.taken_back);
}

INSTANTIATE_TEST_SUITE_P(Rows, TakenBack, ::testing::Values(
    Row{"never_restored", {}, Instant{}, Instant{Milliseconds{1}}, Seconds{0}, false},
    Row{"at_not_before", kRestored, Instant{}, kRestored, Seconds{0}, false},
    Row{"before_not_before", kRestored, Instant{}, kRestored - Milliseconds{1}, Seconds{0}, true},
    Row{"before_the_restore", {}, kRestored, kRestored - Milliseconds{1}, Seconds{0}, true},
    Row{"at_the_restore", {}, kRestored, kRestored, Seconds{0}, true},
    Row{"after_the_restore", {}, kRestored, kRestored + Milliseconds{1}, Seconds{0}, false},
    Row{"after_it_by_a_clock_that_may_be_ahead", {}, kRestored, kRestored + Seconds{30}, Seconds{30}, true},
    Row{"after_it_even_so", {}, kRestored, kRestored + Seconds{30} + Milliseconds{1}, Seconds{30}, false},
    Row{"a_difference_of_clocks_says_nothing_about_not_before", kRestored, Instant{}, kRestored, Seconds{30}, false},
    Row{"not_before_still_holds_after_a_restore", kRestored + Seconds{5}, kRestored, kRestored + Seconds{4}, Seconds{0}, true}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace writ::registry
