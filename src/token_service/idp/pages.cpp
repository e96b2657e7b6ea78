#include "token_service/idp/pages.h"

#include <algorithm>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::token_service::idp {
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
.message{color:var(--bad);background:var(--badbg);border-radius:9px;padding:.6rem .75rem;margin:1rem 0 0}
)";

// Only what an origin may be made of goes into a header.
bool is_plain_origin(std::string_view origin) {
  return !origin.empty() && std::all_of(origin.begin(), origin.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '/' || c == '-' ||
           c == '[' || c == ']';
  });
}

http::Response page(int status, std::string_view title, std::string_view body, std::string_view redirect_origin, std::string_view head = {}) {
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

http::Response sign_in_page(int status, const SignInPage& content) {
  const std::string organisation = escape_html(content.organisation);
  std::string body = "<h1>Sign in to " + organisation + "</h1>";
  if (!content.application.empty()) body += "<p>to continue to " + escape_html(content.application) + "</p>";
  if (!content.message.empty()) body += "<p class=\"message\" role=\"alert\">" + escape_html(content.message) + "</p>";
  for (const auto& provider : content.providers) {
    body += "<a class=\"provider\" href=\"" + escape_html(provider.address) + "\">Continue with " + escape_html(provider.name) + "</a>";
  }
  if (!content.email_action.empty()) {
    body += "<p class=\"or\">or find it by your address</p><form method=\"get\" action=\"" + escape_html(content.email_action) + "\">" +
            hidden("continue", content.continue_with) +
            "<label for=\"email\">Work e-mail</label><input id=\"email\" type=\"email\" name=\"email\" autocomplete=\"email\" required>"
            "<button type=\"submit\">Continue</button></form>";
  }
  if (content.has_password && !content.providers.empty()) body += "<p class=\"or\">or with a password</p>";
  if (content.has_password) body += "<form method=\"post\" action=\"" + escape_html(content.action) + "\">" + hidden("csrf", content.csrf) +
          hidden("continue", content.continue_with) +
          "<label for=\"username\">User name</label>"
          "<input id=\"username\" type=\"text\" name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" "
          "required" +
          (content.username.empty() ? std::string(content.providers.empty() ? " autofocus" : "") : " value=\"" + escape_html(content.username) + "\"") +
          ">"
          "<label for=\"password\">Password</label>"
          "<input id=\"password\" type=\"password\" name=\"password\" autocomplete=\"current-password\" required" +
          (content.username.empty() ? "" : " autofocus") + "><button type=\"submit\">Sign in</button></form>";
  return page(status, "Sign in to " + content.organisation, body, content.redirect_origin);
}

http::Response second_factor_page(int status, const SecondFactorPage& content) {
  const bool enrols = !content.secret.empty();
  const std::string title = enrols ? "Set up a second factor" : "Enter your code";
  std::string body = "<h1>" + title + "</h1><p>for " + escape_html(content.user_name) + " at " + escape_html(content.organisation) + "</p>";
  if (!content.message.empty()) body += "<p class=\"message\" role=\"alert\">" + escape_html(content.message) + "</p>";
  if (enrols) {
    body += "<ol><li>Add this key to an authenticator app, or <a href=\"" + escape_html(content.otpauth_uri) + "\">open it in the app on this device</a>:<br><code id=\"secret\">" +
            escape_html(content.secret) + "</code></li><li>Keep these recovery codes in a safe place. Each replaces the app once, and they are not shown again:<ul>";
    for (const auto& code : content.recovery_codes) body += "<li><code>" + escape_html(code) + "</code></li>";
    body += "</ul></li><li>Enter the code that the app shows now.</li></ol>";
  }
  body += "<form method=\"post\" action=\"" + escape_html(content.action) + "\">" + hidden("csrf", content.csrf) + hidden("continue", content.continue_with) +
          hidden("step", content.step) + "<label for=\"code\">" + (enrols ? "Code from the app" : "Code from your app, or a recovery code") +
          "</label><input id=\"code\" type=\"text\" name=\"code\" autocomplete=\"one-time-code\" autocapitalize=\"none\" spellcheck=\"false\" required autofocus>"
          "<button type=\"submit\">" + (enrols ? "Turn on and sign in" : "Sign in") + "</button></form>";
  return page(status, title + " · " + content.organisation, body, content.redirect_origin);
}

http::Response confirm_page(const ConfirmPage& content) {
  std::string body = "<h1>" + escape_html(content.title) + "</h1><p>" + escape_html(content.text) + "</p><form method=\"post\" action=\"" +
                     escape_html(content.action) + "\">";
  for (const auto& [name, value] : content.hidden) body += hidden(name, value);
  body += "<button type=\"submit\">" + escape_html(content.button) + "</button></form>";
  return page(200, content.title, body, content.redirect_origin);
}

http::Response message_page(int status, std::string_view organisation, std::string_view title, std::string_view text) {
  return page(status, std::string(title) + " · " + std::string(organisation),
              "<h1>" + escape_html(title) + "</h1><p>" + escape_html(text) + "</p>", {});
}

http::Response onward_page(std::string_view organisation, std::string_view provider, const std::string& address, std::string_view text) {
  const std::string to = escape_html(address);
  const std::string what = text.empty() ? std::string(organisation) + " signs you in there." : std::string(text);
  return page(200, "Continue to " + std::string(provider),
              "<h1>Continue to " + escape_html(provider) + "</h1><p>" + escape_html(what) + "</p><a class=\"provider\" href=\"" + to +
                  "\">Continue</a>",
              {}, "<meta http-equiv=\"refresh\" content=\"0;url=" + to + "\">");
}

http::Response account_list_page(int status, const AccountListPage& content) {
  const auto form = [&](const std::string& action, const std::string& server, const std::string& label, const char* kind) {
    return "<form method=\"post\" action=\"" + escape_html(action) + "\">" + hidden("csrf", content.csrf) + hidden("server", server) + "<button type=\"submit\" class=\"" + kind + "\">" + escape_html(label) +
           "</button></form>";
  };
  std::string body = "<h1>Your accounts at servers</h1><p>" + escape_html(content.person) + " at " + escape_html(content.organisation) +
                     ". Your agents work at these servers with your own work account there.</p>";
  if (!content.message.empty()) body += "<p class=\"message\" role=\"alert\">" + escape_html(content.message) + "</p>";
  if (content.rows.empty()) body += "<p>No server that is open to you asks for an account of your own.</p>";
  for (const auto& row : content.rows) {
    body += std::string("<section") + (row.is_wanted ? " class=\"wanted\"" : "") + "><h2>" + escape_html(row.name) + "</h2><p>";
    if (row.account.empty()) body += row.is_wanted ? "An agent of yours needs this account." : "No account is linked.";
    else if (row.works) body += "Linked: " + escape_html(row.account);
    else body += escape_html(row.account) + " no longer works there. Link it again.";
    body += "</p>";
    if (row.may_link) body += form(content.link_action, row.server, row.account.empty() ? "Link an account" : "Link again", "main");
    if (!row.account.empty()) body += form(content.unlink_action, row.server, "Unlink", "quiet");
    body += "</section>";
  }
  return page(status, "Your accounts · " + content.organisation, body, {});
}

http::Response redirect(std::string location) {
  http::Response response;
  response.status = 303;
  response.headers = {{"Location", std::move(location)}};
  return http::no_store(std::move(response));
}

}  // namespace writ::token_service::idp
