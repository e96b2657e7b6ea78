#pragma once

// The few pages that people see at the IdP: plain HTML, no script, nothing loaded from elsewhere.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"
#include "token_service/page.h"

namespace writ::token_service::idp {

struct SignInPage {
  std::string organisation;
  std::string application;      // whom the person is signing in for; may be empty
  std::string action;           // where the form goes
  std::string csrf, continue_with, username;
  std::string message;          // what went wrong and what to do; empty at first
  std::string redirect_origin;  // where a successful sign-in leads: browsers apply form-action to the redirect as well
  struct Provider {
    std::string name, address;  // a link: what it leads to may lead on to anywhere
  };
  std::vector<Provider> providers{};
  std::string email_action{};   // where a typed address finds its provider; empty: not offered
  bool has_password = true;     // the form for a name and a password
};
http::Response sign_in_page(int status, const SignInPage& page);

struct SecondFactorPage {
  std::string organisation, action;
  std::string csrf, continue_with, step, user_name;
  std::string message;
  // Enrolment, the one time that these are shown; empty for a person who has an app.
  std::string secret, otpauth_uri;
  std::vector<std::string> recovery_codes;
  std::string redirect_origin;
};
http::Response second_factor_page(int status, const SecondFactorPage& page);

struct ConfirmPage {
  std::string organisation, title, text, action, button;
  std::vector<std::pair<std::string, std::string>> hidden;
  std::string redirect_origin;
};
http::Response confirm_page(const ConfirmPage& page);

// Goes on to `address` by itself. `text`: what happens there; empty: the organisation signs the person in there.
http::Response onward_page(std::string_view organisation, std::string_view provider, const std::string& address, std::string_view text = {});

// The accounts of a person at upstream servers.
struct AccountListPage {
  std::string organisation, person;
  std::string message;          // what went wrong and what to do; empty: nothing did
  std::string link_action, unlink_action, csrf;
  struct Row {
    std::string server, name, account;   // account: as the person knows it; empty: none is linked
    bool works = true, may_link = false, is_wanted = false;
  };
  std::vector<Row> rows;
};
http::Response account_list_page(int status, const AccountListPage& page);

// The accounts of other issuers by which a person is known here, and those that were offered.
struct LinkListPage {
  std::string organisation, person;
  std::string message;          // what went wrong and what to do; empty: nothing did
  std::string action, csrf;     // forms go to {action}/confirm, /reject and /unlink
  struct Row {
    std::string id, issuer_name, issuer, subject, tenant, email, agent;
    bool is_offered = false;
  };
  std::vector<Row> rows;
};
http::Response link_list_page(int status, const LinkListPage& page);
http::Response redirect(std::string location);   // 303, not stored

}  // namespace writ::token_service::idp
