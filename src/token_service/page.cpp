#include "token_service/page.h"

#include <algorithm>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::token_service {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1b1f27;--dim:#5b6472;--page:#f4f5f8;--card:#fff;--line:#d4d9e2;--accent:#2457d6;--on:#fff;--bad:#b3261e;--badbg:#fdecea}
@media(prefers-color-scheme:dark){:root{--ink:#e9ecf2;--dim:#9aa4b5;--page:#12151b;--card:#1b2029;--line:#343c4a;--accent:#7ea2ff;--on:#0d1220;--bad:#ffb4ab;--badbg:#3b1815}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:1rem;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:24rem;background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem 1.75rem}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .25rem}
p{margin:.25rem 0 1rem;color:var(--dim);overflow-wrap:anywhere}
label{display:block;font-weight:600;margin:1rem 0 .3rem}
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:9px;padding:.65rem .75rem}
input:focus,button:focus-visible{outline:3px solid var(--accent);outline-offset:1px}
button{width:100%;font:inherit;font-weight:600;margin-top:1.5rem;padding:.75rem;border:0;border-radius:9px;background:var(--accent);color:var(--on);cursor:pointer}
a.provider{display:block;text-align:center;text-decoration:none;color:inherit;font-weight:600;margin-top:.75rem;padding:.7rem;border:1px solid var(--line);border-radius:9px;overflow-wrap:anywhere}
a.provider:hover{border-color:var(--accent)}
a.provider:focus-visible{outline:3px solid var(--accent);outline-offset:1px}
.or{display:flex;align-items:center;gap:.75rem;margin:1.5rem 0 0;font-size:.875rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
code{font:600 1rem/1.6 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
ol{padding-left:1.2rem;margin:1rem 0 0}li{margin:.75rem 0}ul{list-style:none;padding:0;margin:.5rem 0 0;display:grid;gap:.1rem}a{color:var(--accent)}
section{border-top:1px solid var(--line);margin-top:1.25rem;padding-top:1rem}section.wanted{border-top:3px solid var(--accent)}h2{font-size:1.05rem;margin:0}
section p{margin:.15rem 0 0}section button{margin-top:.75rem;padding:.55rem}button.quiet{background:transparent;color:var(--ink);border:1px solid var(--line)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1rem 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}dd code{font-size:1.35rem;letter-spacing:.08em}
input.code{font:600 1.4rem/1.4 ui-monospace,Menlo,Consolas,monospace;letter-spacing:.12em;text-align:center;text-transform:uppercase}
form button+button{margin-top:.75rem}button.quiet{background:transparent;color:var(--ink);border:1px solid var(--line)}p.foot{margin:1.5rem 0 0;font-size:.875rem}
.message{color:var(--bad);background:var(--badbg);border-radius:9px;padding:.6rem .75rem;margin:1rem 0 0}
)";

// Only what an origin may be made of goes into a header.
bool is_plain_origin(std::string_view origin) {
  return !origin.empty() && std::all_of(origin.begin(), origin.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '/' || c == '-' ||
           c == '[' || c == ']';
  });
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

http::Response page(int status, std::string_view title, std::string_view body, std::string_view redirect_origin, std::string_view head) {
  static const std::string style_source = "'sha256-" + base64::encode(crypto::sha256_bytes(kStyle)) + "'";
  std::string form_action = "'self'";
  if (is_plain_origin(redirect_origin)) form_action += " " + std::string(redirect_origin);
  http::Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Content-Security-Policy", "default-src 'none'; style-src " + style_source + "; form-action " + form_action +
                                                      "; frame-ancestors 'none'; base-uri 'none'"},
                      {"X-Frame-Options", "DENY"},
                      {"X-Content-Type-Options", "nosniff"},
                      // With no-referrer browsers send `Origin: null` for our own form.
                      {"Referrer-Policy", "same-origin"}};
  response.body = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
                  escape_html(title) + "</title><style>" + std::string(kStyle) + "</style>" + std::string(head) + "</head><body><main>" + std::string(body) +
                  "</main></body></html>\n";
  return http::no_store(std::move(response));
}

std::string hidden(std::string_view name, std::string_view value) {
  return "<input type=\"hidden\" name=\"" + escape_html(name) + "\" value=\"" + escape_html(value) + "\">";
}

http::Response message_page(int status, std::string_view organisation, std::string_view title, std::string_view text) {
  return page(status, std::string(title) + " · " + std::string(organisation),
              "<h1>" + escape_html(title) + "</h1><p>" + escape_html(text) + "</p>", {}, {});
}

http::Response redirect(std::string location) {
  http::Response response;
  response.status = 303;
  response.headers = {{"Location", std::move(location)}};
  return http::no_store(std::move(response));
}

}  // namespace writ::token_service
