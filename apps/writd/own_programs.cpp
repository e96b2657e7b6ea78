#include "own_programs.h"

#include "log.h"

namespace writ::writd {

OwnPrograms::OwnPrograms(const registry::Current& objects, upstreams::stdio::ReadSecretFile read_secret) {
  process::SupervisorOptions options;
  options.sandbox_program = process::sandbox_program_beside_this();
  options.log = [](const std::string& sentence) { log_warning(sentence); };
  options.says = [](const std::string& sentence) { log_info(sentence); };
  options.tick = [this] {
    if (auto* layer = ticked_.load()) layer->tick();
  };
  supervisor_ = std::make_unique<process::Supervisor>(std::move(options));
  upstreams::stdio::Settings settings;
  settings.log = [](const std::string& sentence) { log_warning(sentence); };
  upstreams::stdio::StdioParts parts{*supervisor_, objects, std::move(read_secret)};
  layer_ = std::make_unique<upstreams::stdio::StdioPrograms>(std::move(parts), std::move(settings));
  ticked_ = layer_.get();
}

OwnPrograms::~OwnPrograms() = default;

}  // namespace writ::writd
