#include "telemetry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <thread>

#include "telemetry/instruments.h"

namespace writ::telemetry {
namespace {

using Labels = std::map<std::string, std::string>;
struct Sample {
  std::string name;
  Labels labels;
  double value;
};

// A reader of the exposition format, stricter than Prometheus' own: every line must be of the grammar, every sample of a metric that was described before it,
// every series be there once. What is wrong is told as a test failure.
class Exposition {
 public:
  explicit Exposition(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.back() == '\n') << "the last line has no end";
    std::size_t at = 0;
    while (at < text.size()) {
      const auto end = text.find('\n', at);
      read(text.substr(at, end - at));
      at = end + 1;
    }
    for (const auto& [name, type] : types) {
      if (type == "histogram") check_histogram(name);
    }
  }
  double value(const std::string& name, const Labels& labels = {}) const {
    for (const Sample& sample : samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
    ADD_FAILURE() << "no sample of " << name;
    return -1;
  }
  std::size_t count(const std::string& name) const {
    return static_cast<std::size_t>(std::count_if(samples.begin(), samples.end(), [&](const Sample& sample) { return sample.name == name; }));
  }

  std::map<std::string, std::string> types;
  std::vector<Sample> samples;

 private:
  void read(const std::string& line) {
    static const std::regex kHelp(R"(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\\\n]+))"), kType(R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram))");
    std::smatch match;
    if (std::regex_match(line, match, kHelp)) {
      EXPECT_TRUE(helped_.insert(match[1]).second) << line;
    } else if (std::regex_match(line, match, kType)) {
      EXPECT_TRUE(helped_.contains(match[1])) << line;
      EXPECT_TRUE(types.emplace(match[1], match[2]).second) << line;
      current_ = match[1];
    } else {
      read_sample(line);
    }
  }
  void read_sample(const std::string& line) {
    Sample sample;
    std::size_t at = line.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
    ASSERT_NE(at, std::string::npos) << line;
    sample.name = line.substr(0, at);
    const std::string suffix = sample.name.starts_with(current_) ? sample.name.substr(current_.size()) : "?";
    const bool is_histogram = types[current_] == "histogram";
    EXPECT_TRUE(is_histogram ? suffix == "_bucket" || suffix == "_sum" || suffix == "_count" : suffix.empty()) << line << " stands under " << current_;
    if (line[at] == '{') {
      do {
        const auto equals = line.find("=\"", ++at);
        ASSERT_NE(equals, std::string::npos) << line;
        const std::string label = line.substr(at, equals - at);
        EXPECT_TRUE(std::regex_match(label, std::regex("[a-zA-Z_][a-zA-Z0-9_]*"))) << line;
        std::string value;
        for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
          if (line[at] != '\\') {
            value += line[at];
            continue;
          }
          ++at;
          ASSERT_TRUE(at < line.size() && (line[at] == '\\' || line[at] == '"' || line[at] == 'n')) << line;
          value += line[at] == 'n' ? '\n' : line[at];
        }
        ++at;
        EXPECT_TRUE(sample.labels.emplace(label, value).second) << line;
      } while (at < line.size() && line[at] == ',');
      ASSERT_TRUE(at < line.size() && line[at] == '}') << line;
      ++at;
    }
    ASSERT_TRUE(at < line.size() && line[at] == ' ') << line;
    const std::string number = line.substr(at + 1);
    EXPECT_TRUE(std::regex_match(number, std::regex(R"([+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf))"))) << line;
    sample.value = std::strtod(number.c_str(), nullptr);
    EXPECT_TRUE(series_.insert({sample.name, sample.labels}).second) << "twice: " << line;
    samples.push_back(std::move(sample));
  }
  // Of each series: buckets that only grow, the last of them +Inf and equal to the count.
  void check_histogram(const std::string& name) {
    std::map<Labels, double> last;
    std::map<Labels, std::string> bound;
    for (const Sample& sample : samples) {
      if (sample.name != name + "_bucket") continue;
      Labels labels = sample.labels;
      bound[labels] = "";
      const std::string le = labels.at("le");
      labels.erase("le");
      EXPECT_GE(sample.value, last[labels]) << name;
      last[labels] = sample.value;
      bound[labels] = le;
    }
    for (const auto& [labels, value] : last) {
      EXPECT_EQ(bound[labels], "+Inf") << name;
      EXPECT_EQ(value, this->value(name + "_count", labels)) << name;
    }
  }
  std::string current_ = "?";
  std::set<std::string> helped_;
  std::set<std::pair<std::string, Labels>> series_;
};

TEST(MetricsText, HasWhatWasCounted) {
  Registry registry;
  registry.counter({"writ_a_total", "As."}).add(3);
  registry.gauge({"writ_b", "Bs."}).add(-2);
  auto& family = registry.counters({"writ_c_total", "Cs.", {"server", "outcome"}});
  family.of({"notes", "allow"}).add();
  family.of({"notes", "deny"}).add(2);
  family.of({"notes", "allow"}).add();
  registry.poll_gauge({"writ_d_seconds", "Ds.", {"x"}}, [](Samples& samples) { samples.add({"y"}, 1.5); });
  const Exposition read(registry.text());
  EXPECT_EQ(read.value("writ_a_total"), 3);
  EXPECT_EQ(read.value("writ_b"), -2);
  EXPECT_EQ(read.value("writ_c_total", {{"server", "notes"}, {"outcome", "allow"}}), 2);
  EXPECT_EQ(read.value("writ_c_total", {{"server", "notes"}, {"outcome", "deny"}}), 2);
  EXPECT_EQ(read.value("writ_d_seconds", {{"x", "y"}}), 1.5);
  EXPECT_EQ(read.types.at("writ_c_total"), "counter");
  EXPECT_EQ(read.samples.size(), 5u);
}

TEST(MetricsText, EscapesWhatLabelsHold) {   // S4
  Registry registry;
  auto& family = registry.counters({"writ_c_total", "Cs.", {"x"}});
  const std::vector<std::string> hostile = {"a\"} 1\nwrit_forged_total 9", "\\", "\\n", "\n", "\"", "a,b=\"c\"", ""};
  for (const auto& value : hostile) family.of({value}).add();
  const Exposition read(registry.text());
  EXPECT_EQ(read.samples.size(), hostile.size());
  for (const auto& value : hostile) EXPECT_EQ(read.value("writ_c_total", {{"x", value}}), 1) << value;
}

TEST(Histograms, PutValuesIntoTheirBuckets) {
  static const Buckets buckets{{0.1, 1, 10}};
  Registry registry;
  Histogram& histogram = registry.histogram({"writ_h_seconds", "Hs."}, buckets);
  for (const double value : {0.05, 0.1, 0.1001, 1.0, 5.0, 100.0, -1.0}) histogram.observe(value);
  const Exposition read(registry.text());
  EXPECT_EQ(read.value("writ_h_seconds_bucket", {{"le", "0.1"}}), 3) << "a bound belongs to its bucket; what is below zero counts as zero";
  EXPECT_EQ(read.value("writ_h_seconds_bucket", {{"le", "1"}}), 5);
  EXPECT_EQ(read.value("writ_h_seconds_bucket", {{"le", "10"}}), 6);
  EXPECT_EQ(read.value("writ_h_seconds_bucket", {{"le", "+Inf"}}), 7);
  EXPECT_NEAR(read.value("writ_h_seconds_sum"), 106.2501, 1e-6);
}

TEST(Labels, AreBoundedWhateverIsSent) {
  Registry registry;
  auto& family = registry.counters({"writ_c_total", "Cs.", {"x", "y"}}, 50);
  for (int i = 0; i < 50; ++i) family.of({"known", std::to_string(i)}).add();
  for (int i = 0; i < 100'000; ++i) family.of({"hostile" + std::to_string(i), "z"}).add();
  for (int i = 0; i < 50; ++i) family.of({"known", std::to_string(i)}).add();
  const Exposition read(registry.text());
  EXPECT_EQ(read.count("writ_c_total"), 51u);
  EXPECT_EQ(read.value("writ_c_total", {{"x", "other"}, {"y", "other"}}), 100'000);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(read.value("writ_c_total", {{"x", "known"}, {"y", std::to_string(i)}}), 2) << "what was there goes on";
}

TEST(Labels, ThatAreTooLongAreOther) {
  Registry registry;
  auto& family = registry.counters({"writ_c_total", "Cs.", {"x"}});
  family.of({std::string(129, 'a')}).add();
  EXPECT_EQ(Exposition(registry.text()).value("writ_c_total", {{"x", "other"}}), 1);
}

TEST(Counters, LoseNothingBetweenThreads) {
  Registry registry;
  auto& family = registry.counters({"writ_c_total", "Cs.", {"x"}});
  auto& histogram = registry.histogram({"writ_h", "Hs."}, batch_sizes());
  constexpr int kThreads = 8, kTimes = 20'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTimes; ++i) {
        family.of({std::to_string(i % 40)}).add();
        histogram.observe(2);
      }
    });
  }
  for (int i = 0; i < 20; ++i) Exposition read(registry.text());   // looking while it is counted
  for (auto& thread : threads) thread.join();
  const Exposition read(registry.text());
  EXPECT_EQ(read.count("writ_c_total"), 40u);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(read.value("writ_c_total", {{"x", std::to_string(i)}}), kThreads * kTimes / 40);
  EXPECT_EQ(read.value("writ_h_count"), kThreads * kTimes);
  EXPECT_EQ(read.value("writ_h_sum"), 2 * kThreads * kTimes);
}

TEST(Instruments, HaveNamesOfTheConventions) {
  Registry registry;
  Instruments instruments(registry);
  const Exposition read(registry.text());
  EXPECT_GT(read.types.size(), 25u);
  for (const auto& [name, type] : read.types) {
    EXPECT_TRUE(name.starts_with("writ_")) << name;
    EXPECT_EQ(type == "counter", name.ends_with("_total")) << name;
    if (type == "histogram") {
      EXPECT_TRUE(name.ends_with("_seconds") || name.ends_with("_records")) << name;
    }
  }
}

}  // namespace
}  // namespace writ::telemetry
