#include "approvals_page.h"

#include <algorithm>

namespace writ::writd {

Task<http::Response> approvals_page(const http::Request& request) {
  constexpr std::string_view kPrefix = "/approvals/";
  const std::string id = request.path.substr(std::min(kPrefix.size(), request.path.size()));
  const bool is_id = id.size() > 4 && id.size() <= 40 && id.starts_with("apr_") && std::all_of(id.begin(), id.end(), [](char letter) {
                       return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
                     });
  if (!is_id) co_return http::text(404, "there is no such request\n");
  http::Response page = http::text(200,
                                   "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>" + id +
                                       "</title><style>body{font:1rem/1.5 system-ui,sans-serif;margin:4rem auto;max-width:36rem;padding:0 1rem}</style>"
                                       "<h1>A call waits for approval</h1><p>An agent asked for something that a person has to approve first. Approvers see what exactly, and decide, with</p>"
                                       "<pre>writ approvals show " + id + "\nwrit approvals approve " + id + "\nwrit approvals reject " + id + " -m \"why\"</pre>"
                                       "<p>An approval lets this one call go, once, within fifteen minutes. Nobody approves their own.</p></html>");
  page.headers.set("Content-Type", "text/html; charset=utf-8");
  page.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  page.headers.set("Referrer-Policy", "no-referrer");
  page.headers.set("Cache-Control", "no-store");
  co_return page;
}

}  // namespace writ::writd
