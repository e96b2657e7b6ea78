#include "place.h"

namespace writ::writd {

Place place_of(const config::Config& config, LogMeters meters) {
  return {config.data_directory, config.keys.sealing_key_file, config.store.postgresql, config.store.password_file, config.node, config.audit.keep, std::move(meters)};
}

}  // namespace writ::writd
