#pragma once

// What is counted and measured. Adding is lock-free: each thread adds to a shard of its own, whoever reads sums them up.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace writ::telemetry {

constexpr std::size_t kShards = 8;
std::size_t shard_of_this_thread();

// Only grows. Safe to share between threads.
class Counter {
 public:
  void add(std::uint64_t count = 1) { shards_[shard_of_this_thread()].value.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const;

 private:
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Shard, kShards> shards_{};
};

// What is there now, counted by those who come and go. Safe to share between threads; they need not be the same that come and that go.
class Gauge {
 public:
  void add(std::int64_t count) { shards_[shard_of_this_thread()].value.fetch_add(count, std::memory_order_relaxed); }
  std::int64_t value() const;

 private:
  struct alignas(64) Shard {
    std::atomic<std::int64_t> value{0};
  };
  std::array<Shard, kShards> shards_{};
};

// Where the buckets of a histogram end, rising; above the last one there is one more. The sum is kept in whole `1/units` of the value.
struct Buckets {
  std::vector<double> bounds;
  double units = 1e9;
};
const Buckets& fast_seconds();     // 50 µs to 1 s: what happens inside
const Buckets& request_seconds();  // 1 ms to 60 s: what people and agents wait for
const Buckets& stream_seconds();   // 1 s to a day
const Buckets& batch_sizes();      // 1 to 1024

class Histogram {
 public:
  static constexpr std::size_t kBucketsMax = 16;   // with the one above the last bound
  explicit Histogram(const Buckets& buckets) : buckets_(&buckets) {}

  void observe(double value);
  void observe(std::chrono::steady_clock::duration duration) { observe(std::chrono::duration<double>(duration).count()); }

  struct Reading {
    std::vector<std::uint64_t> counts;   // of each bucket alone
    std::uint64_t count = 0;
    double sum = 0;
  };
  Reading read() const;
  const Buckets& buckets() const { return *buckets_; }

 private:
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kBucketsMax> counts{};
    std::atomic<std::uint64_t> sum{0};
  };
  const Buckets* buckets_;
  std::array<Shard, kShards> shards_{};
};

}  // namespace writ::telemetry
