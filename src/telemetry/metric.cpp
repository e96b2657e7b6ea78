#include "telemetry/metric.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace writ::telemetry {

std::size_t shard_of_this_thread() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t shard = threads.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

std::uint64_t Counter::value() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.value.load(std::memory_order_relaxed);
  return sum;
}

std::int64_t Gauge::value() const {
  std::int64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.value.load(std::memory_order_relaxed);
  return sum;
}

const Buckets& fast_seconds() {
  static const Buckets buckets{{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1}};
  return buckets;
}

const Buckets& request_seconds() {
  static const Buckets buckets{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}};
  return buckets;
}

const Buckets& stream_seconds() {
  static const Buckets buckets{{1, 10, 60, 300, 900, 1800, 3600, 14400, 86400}};
  return buckets;
}

const Buckets& batch_sizes() {
  static const Buckets buckets{{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}, 1};
  return buckets;
}

void Histogram::observe(double value) {
  const auto& bounds = buckets_->bounds;
  assert(bounds.size() < kBucketsMax);
  if (!(value >= 0)) value = 0;   // a clock that stepped back
  const auto bucket = static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin());
  Shard& shard = shards_[shard_of_this_thread()];
  shard.counts[bucket].fetch_add(1, std::memory_order_relaxed);
  shard.sum.fetch_add(static_cast<std::uint64_t>(std::llround(value * buckets_->units)), std::memory_order_relaxed);
}

Histogram::Reading Histogram::read() const {
  Reading reading;
  reading.counts.resize(buckets_->bounds.size() + 1);
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) {
    for (std::size_t i = 0; i < reading.counts.size(); ++i) reading.counts[i] += shard.counts[i].load(std::memory_order_relaxed);
    sum += shard.sum.load(std::memory_order_relaxed);
  }
  for (const std::uint64_t count : reading.counts) reading.count += count;
  reading.sum = static_cast<double>(sum) / buckets_->units;
  return reading;
}

}  // namespace writ::telemetry
