#include "adapters/net/client_contexts.h"

#include <sys/stat.h>

namespace writ::net {
namespace {

std::string stamp_of(const std::string& file) {
  struct stat about {};
  if (file.empty() || ::stat(file.c_str(), &about) != 0) return "-";
  return std::to_string(about.st_ino) + ":" + std::to_string(about.st_mtim.tv_sec) + "." + std::to_string(about.st_mtim.tv_nsec) + ":" + std::to_string(about.st_size);
}

}  // namespace

Result<SslContext, std::string> ClientContexts::find(const std::string& ca_file, const std::string& certificate_file, const std::string& key_file) {
  const std::string stamp = certificate_file.empty() ? std::string() : stamp_of(certificate_file) + " " + stamp_of(key_file);
  const std::lock_guard lock(mutex_);
  Loaded& loaded = loaded_[ca_file + "\n" + certificate_file + "\n" + key_file];
  if (loaded.context && loaded.stamp == stamp) return loaded.context;
  auto context = load_client_tls(ca_file, certificate_file, key_file);
  if (context) {
    loaded.context = std::move(*context);
    loaded.stamp = stamp;
  } else if (!loaded.context) {
    return unexpected(std::move(context).error());
  }
  return loaded.context;
}

}  // namespace writ::net
