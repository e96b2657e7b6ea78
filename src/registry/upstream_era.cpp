#include "registry/upstream_era.h"

namespace writ::registry {

using Era = UpstreamAddress::Era;

Era read_era(Fields& upstream) { return upstream.choice<Era>("era", Era::detect, {{"detect", Era::detect}, {"legacy", Era::legacy}, {"modern", Era::modern}}); }

void write_era(json::Value& upstream, Era era) {
  if (era != Era::detect) upstream.set("era", era == Era::legacy ? "legacy" : "modern");
}

}  // namespace writ::registry
