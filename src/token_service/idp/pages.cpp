#include "token_service/idp/pages.h"

namespace writ::token_service::idp {

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

http::Response link_list_page(int status, const LinkListPage& content) {
  const auto form = [&](const char* word, const std::string& account, const char* label, const char* kind) {
    return "<form method=\"post\" action=\"" + escape_html(content.action + "/" + word) + "\">" + hidden("csrf", content.csrf) + hidden("account", account) + "<button type=\"submit\" class=\"" + kind + "\">" + label +
           "</button></form>";
  };
  std::string body = "<h1>Accounts by which you are known here</h1><p>" + escape_html(content.person) + " at " + escape_html(content.organisation) +
                     ". Other organisations can vouch for you towards our servers, with the account that you have there.</p>";
  if (!content.message.empty()) body += "<p class=\"message\" role=\"alert\">" + escape_html(content.message) + "</p>";
  if (content.rows.empty()) body += "<p>No such account is linked, and none was offered.</p>";
  for (const auto& row : content.rows) {
    body += std::string("<section") + (row.is_offered ? " class=\"wanted\"" : "") + "><h2>" + escape_html(row.issuer_name) + "</h2><p>Account " + escape_html(row.subject) +
            (row.tenant.empty() ? "" : " of " + escape_html(row.tenant)) + " at " + escape_html(row.issuer) + "</p>";
    if (row.is_offered) {
      body += "<p>It says that its address is yours: " + escape_html(row.email) + ". It came through " + escape_html(row.agent) +
              ". If you link it, whoever signs in there with it acts here in your name. If you do not know it, say so.</p>" + form("confirm", row.id, "This is my account: link it", "main") + form("reject", row.id, "Not mine", "quiet");
    } else {
      body += "<p>Linked.</p>" + form("unlink", row.id, "Unlink", "quiet");
    }
    body += "</section>";
  }
  return page(status, "Your linked accounts · " + content.organisation, body, {});
}

http::Response redirect(std::string location) {
  http::Response response;
  response.status = 303;
  response.headers = {{"Location", std::move(location)}};
  return http::no_store(std::move(response));
}

}  // namespace writ::token_service::idp
