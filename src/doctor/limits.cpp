#include "doctor/limits.h"

namespace writ::doctor {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;
// The log lays its files out ahead, 64 MiB each: a segment and a journal, and the next of both.
constexpr std::uint64_t kBytesMin = 4 * (64ULL << 20), kBytesComfortable = 5'000 * kMegabyte;
constexpr std::uint64_t kFilesMin = 100;
// docs/reference/configuration.md, "How many connections".
constexpr std::uint64_t kDescriptorsMin = 1'024, kDescriptorsForStreams = 20'200;

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes / kMegabyte) + " MB"; }

}  // namespace

void judge_space(Report& report, const std::string& directory, std::uint64_t bytes_free, std::uint64_t files_free, bool counts_files) {
  constexpr const char* kArea = "disk";
  const std::string free = "`" + directory + "` has " + megabytes(bytes_free) + " of free space";
  if (bytes_free < kBytesMin) report.wrong(kArea, free + ": the log needs " + megabytes(kBytesMin) + " to go on", "make space: without it every request is answered 503");
  else if (bytes_free < kBytesComfortable) report.warning(kArea, free, "make space, let `audit.keep` remove old records, or watch it: when it is full every request is answered 503");
  else report.good(kArea, free);
  if (counts_files && files_free < kFilesMin) report.wrong(kArea, "`" + directory + "` has room for " + std::to_string(files_free) + " more files only", "remove files from that file system");
}

void judge_descriptors(Report& report, const std::string& whose, const Descriptors& descriptors) {
  constexpr const char* kArea = "descriptors";
  if (descriptors.limit == UINT64_MAX) return report.good(kArea, whose + " may open as many files as it likes");
  const std::string may = whose + " may open " + std::to_string(descriptors.limit) + " files";
  if (descriptors.in_use > 0 && descriptors.in_use * 10 > descriptors.limit * 9) {
    return report.wrong(kArea, may + " and has " + std::to_string(descriptors.in_use) + " open", "raise LimitNOFILE= of the service: new connections are turned away");
  }
  if (descriptors.limit < kDescriptorsMin) return report.wrong(kArea, may, "raise LimitNOFILE= of the service to " + std::to_string(kDescriptorsForStreams) + ", or at least " + std::to_string(kDescriptorsMin));
  if (descriptors.limit < kDescriptorsForStreams) {
    return report.warning(kArea, may + ", enough for some " + std::to_string((descriptors.limit - 200) / 2) + " connections", "for 10,000 streams at once raise LimitNOFILE= of the service to " + std::to_string(kDescriptorsForStreams));
  }
  report.good(kArea, may);
}

}  // namespace writ::doctor
