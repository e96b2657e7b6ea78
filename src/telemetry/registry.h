#pragma once

// All metrics of the process, and their text for Prometheus (exposition format 0.0.4).

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/family.h"

namespace writ::telemetry {

struct Description {
  std::string name;                  // writ_…_total, …_seconds, …_bytes
  std::string help;                  // one sentence
  std::vector<std::string> labels{};
};

// Writes samples of one metric. What label values hold is escaped.
class Samples {
 public:
  Samples(std::string& out, const Description& description) : out_(out), description_(description) {}
  void add(std::span<const std::string> values, double value);
  void add(std::initializer_list<std::string> values, double value) { add(std::span(values.begin(), values.size()), value); }
  void add(std::span<const std::string> values, const Histogram& histogram);

 private:
  void sample(std::string_view suffix, std::span<const std::string> values, std::string_view bucket, double value);
  std::string& out_;
  const Description& description_;
};

// Safe to share between threads. Metrics are made when the program is built, before anything is counted.
class Registry {
 public:
  static constexpr std::size_t kChildrenMax = 1'000;

  Counter& counter(Description description);
  Gauge& gauge(Description description);
  Histogram& histogram(Description description, const Buckets& buckets);
  Family<Counter>& counters(Description description, std::size_t children_max = kChildrenMax);
  Family<Histogram>& histograms(Description description, const Buckets& buckets, std::size_t children_max = kChildrenMax);

  // Asked for when somebody looks: on any thread, and it must not block.
  using Poll = std::function<void(Samples&)>;
  void poll_gauge(Description description, Poll poll);
  void poll_counter(Description description, Poll poll);

  static constexpr const char* kMediaType = "text/plain; version=0.0.4; charset=utf-8";
  std::string text() const;

 private:
  struct Metric {
    Description description;
    const char* type;
    Poll write;
  };
  void add(Description description, const char* type, Poll write);
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<const Metric>> metrics_;
  std::vector<std::shared_ptr<void>> owned_;
};

}  // namespace writ::telemetry
