#include "doctor/report.h"

#include <gtest/gtest.h>

namespace writ::doctor {
namespace {

TEST(DoctorReport, IsWrongOnlyWhenSomethingIs) {
  Report report;
  report.good("disk", "there is space");
  report.note("server", "no server runs");
  report.warning("tls", "it ends soon", "renew it");
  EXPECT_FALSE(report.has_wrong());
  report.wrong("tls", "it has ended", "renew it");
  EXPECT_TRUE(report.has_wrong());
  EXPECT_EQ(report.count(Level::good), 1U);
  EXPECT_EQ(report.count(Level::warning), 1U);
}

TEST(DoctorReport, IsTextForPeople) {
  Report report;
  report.good("disk", "there is space");
  EXPECT_EQ(to_text(report), "✓ disk: there is space\nNothing is wrong: 1 check passed.\n");
  report.wrong("files", "`a\nb` is open", "chmod 600 `a\nb`");
  EXPECT_EQ(to_text(report), "✓ disk: there is space\n✗ files: `a b` is open\n    chmod 600 `a b`\n1 thing is wrong, 0 warnings.\n") << "what somebody else named stays on its line";
}

TEST(DoctorReport, IsJsonForPrograms) {
  Report report;
  report.note("server", "no server runs");
  report.wrong("files", "it is open", "chmod");
  EXPECT_EQ(json::write(to_json(report)),
            R"({"good":0,"notes":1,"warnings":0,"wrong":1,"findings":[{"level":"note","area":"server","what":"no server runs"},{"level":"wrong","area":"files","what":"it is open","remedy":"chmod"}]})");
}

}  // namespace
}  // namespace writ::doctor
