#pragma once

// What a fuzz target promises. A broken promise ends the process, which libFuzzer and the seed tests report.

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#define EXPECT(condition)                                                       \
  do {                                                                          \
    if (!(condition)) {                                                         \
      std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                             \
    }                                                                           \
  } while (false)

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);
