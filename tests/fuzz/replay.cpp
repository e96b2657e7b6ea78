// Runs a fuzz target without libFuzzer: every seed, every cut of it, and every seed with one byte damaged.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "expect.h"

namespace {

constexpr std::size_t kDamagedBytesMax = 4096;

void run(const std::string& input) { LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(input.data()), input.size()); }

void run_with_damage(const std::string& seed) {
  run(seed);
  const std::size_t end = seed.size() < kDamagedBytesMax ? seed.size() : kDamagedBytesMax;
  for (std::size_t i = 0; i < end; ++i) {
    run(seed.substr(0, i));
    for (const char byte : {'\0', '\xFF', '"', '\\', '%', '.', '{', '9', static_cast<char>(seed[i] ^ 1)}) {
      std::string damaged = seed;
      damaged[i] = byte;
      run(damaged);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  int seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    run_with_damage({std::istreambuf_iterator<char>(file), {}});
    ++seeds;
  }
  std::printf("%d seeds\n", seeds);
  return seeds == 0 ? 1 : 0;
}
