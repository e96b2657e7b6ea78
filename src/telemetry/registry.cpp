#include "telemetry/registry.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <utility>

namespace writ::telemetry {
namespace {

void append_number(std::string& out, double value) {
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  char text[32];
  // Whole numbers are written whole: counters are read by people, too.
  const bool is_whole = std::trunc(value) == value && std::abs(value) < 9e15;
  const auto end = is_whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value)) : std::to_chars(text, text + sizeof text, value);
  out.append(text, end.ptr);
}

// A value with a line feed or a quote of its own would be another sample (S4).
void append_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\') out += "\\\\";
    else if (c == '"') out += "\\\"";
    else if (c == '\n') out += "\\n";
    else out += c;
  }
}

}  // namespace

void Samples::sample(std::string_view suffix, std::span<const std::string> values, std::string_view bucket, double value) {
  assert(values.size() == description_.labels.size());
  out_ += description_.name;
  out_ += suffix;
  if (!values.empty() || !bucket.empty()) {
    char separator = '{';
    for (std::size_t i = 0; i < values.size(); ++i) {
      out_ += std::exchange(separator, ',');
      out_ += description_.labels[i];
      out_ += "=\"";
      append_value(out_, values[i]);
      out_ += '"';
    }
    if (!bucket.empty()) {
      out_ += separator;
      out_ += "le=\"";
      out_ += bucket;
      out_ += '"';
    }
    out_ += '}';
  }
  out_ += ' ';
  append_number(out_, value);
  out_ += '\n';
}

void Samples::add(std::span<const std::string> values, double value) { sample("", values, "", value); }

void Samples::add(std::span<const std::string> values, const Histogram& histogram) {
  const Histogram::Reading reading = histogram.read();
  const auto& bounds = histogram.buckets().bounds;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    below += reading.counts[i];
    std::string bound;
    append_number(bound, bounds[i]);
    sample("_bucket", values, bound, static_cast<double>(below));
  }
  sample("_bucket", values, "+Inf", static_cast<double>(reading.count));
  sample("_sum", values, "", reading.sum);
  sample("_count", values, "", static_cast<double>(reading.count));
}

void Registry::add(Description description, const char* type, Poll write) {
  const std::lock_guard lock(mutex_);
  assert(std::none_of(metrics_.begin(), metrics_.end(), [&](const auto& metric) { return metric->description.name == description.name; }));
  metrics_.push_back(std::make_unique<const Metric>(Metric{std::move(description), type, std::move(write)}));
}

void Registry::poll_gauge(Description description, Poll poll) { add(std::move(description), "gauge", std::move(poll)); }
void Registry::poll_counter(Description description, Poll poll) { add(std::move(description), "counter", std::move(poll)); }

Counter& Registry::counter(Description description) {
  auto made = std::make_shared<Counter>();
  owned_.push_back(made);
  add(std::move(description), "counter", [made](Samples& samples) { samples.add(std::span<const std::string>(), static_cast<double>(made->value())); });
  return *made;
}

Gauge& Registry::gauge(Description description) {
  auto made = std::make_shared<Gauge>();
  owned_.push_back(made);
  add(std::move(description), "gauge", [made](Samples& samples) { samples.add(std::span<const std::string>(), static_cast<double>(made->value())); });
  return *made;
}

Histogram& Registry::histogram(Description description, const Buckets& buckets) {
  auto made = std::make_shared<Histogram>(buckets);
  owned_.push_back(made);
  add(std::move(description), "histogram", [made](Samples& samples) { samples.add(std::span<const std::string>(), *made); });
  return *made;
}

Family<Counter>& Registry::counters(Description description, std::size_t children_max) {
  auto made = std::make_shared<Family<Counter>>(description.labels.size(), children_max, [] { return std::make_unique<Counter>(); });
  owned_.push_back(made);
  add(std::move(description), "counter", [made](Samples& samples) {
    made->visit([&](std::span<const std::string> values, const Counter& counter) { samples.add(values, static_cast<double>(counter.value())); });
  });
  return *made;
}

Family<Histogram>& Registry::histograms(Description description, const Buckets& buckets, std::size_t children_max) {
  auto made = std::make_shared<Family<Histogram>>(description.labels.size(), children_max, [&buckets] { return std::make_unique<Histogram>(buckets); });
  owned_.push_back(made);
  add(std::move(description), "histogram", [made](Samples& samples) {
    made->visit([&](std::span<const std::string> values, const Histogram& histogram) { samples.add(values, histogram); });
  });
  return *made;
}

std::string Registry::text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& metric : metrics_) {
    const Description& description = metric->description;
    out += "# HELP " + description.name + " " + description.help + "\n# TYPE " + description.name + " " + metric->type + "\n";
    Samples samples(out, description);
    metric->write(samples);
  }
  return out;
}

}  // namespace writ::telemetry
