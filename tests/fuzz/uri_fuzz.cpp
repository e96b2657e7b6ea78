#include <string_view>

#include "encoding/uri.h"
#include "expect.h"

namespace uri = writ::uri;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = uri::parse(text);
  EXPECT(parsed || (!uri::is_issuer(text) && !uri::is_resource(text)));
  if (!parsed) return 0;

  // Put together again it is the same text, so nothing was lost or read twice. Only the scheme was made lower case.
  if (!parsed->has_userinfo) {
    std::string whole = parsed->origin() + parsed->path;
    if (parsed->query) whole += "?" + *parsed->query;
    if (parsed->fragment) whole += "#" + *parsed->fragment;
    EXPECT(whole.substr(parsed->scheme.size()) == text.substr(parsed->scheme.size()));
  }
  if (uri::is_issuer(text)) {
    EXPECT(uri::is_resource(text));
    const auto metadata = uri::well_known(text, "oauth-authorization-server");
    EXPECT(metadata);
    const auto read = uri::parse(*metadata);
    EXPECT(read && read->host == parsed->host && read->port == parsed->port && read->scheme == parsed->scheme);
  }
  EXPECT(uri::redirect_matches(text, text));
  return 0;
}
