#pragma once

// SoftHSM with tokens in a folder of its own, for tests. The module is read from the environment by SOFTHSM2_CONF alone.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "crypto/pkcs11_token.h"

namespace writ::crypto {

inline std::string soft_hsm_module() {
  for (const char* path : {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

struct SoftHsm {
  SoftHsm() {
    char name[] = "/tmp/writ-softhsm-XXXXXX";
    folder = ::mkdtemp(name);
    std::filesystem::create_directory(folder / "tokens");
    std::ofstream(folder / "softhsm2.conf") << "directories.tokendir = " << (folder / "tokens").string() << "\nobjectstore.backend = file\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (folder / "softhsm2.conf").c_str(), 1);
    add_token("writ");
  }
  ~SoftHsm() { std::filesystem::remove_all(folder); }
  void add_token(const std::string& label) const {
    const std::string command = "softhsm2-util --init-token --free --label '" + label + "' --so-pin 8765 --pin 4321 >/dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << "is softhsm2 installed?";
  }
  // As a cable that is pulled, and put back.
  void take_away() const { std::filesystem::rename(folder / "tokens", folder / "elsewhere"), std::filesystem::create_directory(folder / "tokens"); }
  void bring_back() const { std::filesystem::remove_all(folder / "tokens"), std::filesystem::rename(folder / "elsewhere", folder / "tokens"); }

  Pkcs11Place place() {
    return {soft_hsm_module(), "writ", "", [this]() -> Result<Secret, std::string> {
              ++pin_reads;
              return Secret(pin);
            }};
  }
  std::filesystem::path folder;
  std::string pin = "4321";
  int pin_reads = 0;
};

}  // namespace writ::crypto
