#include "why_page.h"

#include <algorithm>

#include "audit/record.h"

namespace writ::writd {

Task<http::Response> why_page(const http::Request& request) {
  constexpr std::string_view kPrefix = "/why/";
  const std::string typed = request.path.substr(std::min(kPrefix.size(), request.path.size()));
  const auto position = audit::parse_denial_code(typed);
  if (!position) co_return http::text(404, "there is no such code\n");
  // Written anew from its number, so nothing that was sent comes back (T11).
  const std::string code = audit::denial_code(position->position, position->node);
  http::Response page = http::text(200,
                                   "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>" + code +
                                       "</title><style>body{font:1rem/1.5 system-ui,sans-serif;margin:4rem auto;max-width:36rem;padding:0 1rem}code{font-size:1.5rem}</style>"
                                       "<h1>This was denied by your organization's policy</h1><p><code>" +
                                       code + "</code></p><p>Trying again changes nothing. Tell your administrator this code if you need access: "
                                              "<code style=\"font-size:1rem\">writ why " + code + "</code> shows them what was asked, which rule decided, and everything that belongs to it.</p></html>");
  page.headers.set("Content-Type", "text/html; charset=utf-8");
  page.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  page.headers.set("Referrer-Policy", "no-referrer");
  page.headers.set("Cache-Control", "no-store");
  co_return page;
}

}  // namespace writ::writd
