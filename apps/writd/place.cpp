#include "place.h"

namespace writ::writd {

Place place_of(const config::Config& config, LogMeters meters) {
  return {config.data_directory, {config.keys.sealing_key_file, config.keys.sealing_key_env, config.keys.sealing_key_credential, config.keys.previous_sealing_key_file},
          config.store.postgresql, config.store.password_file, config.node, config.audit.keep, std::move(meters),
          config.internal_listener ? config.internal_listener->url : "", config.store.nodes ? config.store.nodes->lease : Milliseconds{0}};
}

}  // namespace writ::writd
