#pragma once

// The files of a first deployment, from the few answers that nobody can guess (`writ init`). What they say is the least that works: one identity provider,
// one group, one agent, the servers that were named, and nothing allowed beyond that.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace writ::config {

struct FirstAnswers {
  std::string base_url = "http://127.0.0.1:8420";
  std::string organisation;
  std::string data_directory = "data";
  std::string listen;                        // address:port; empty: loopback with the port of base_url, or 0.0.0.0:443 for https
  std::string certificate, key;              // of the public listener
  std::vector<std::string> trusted_proxies;  // CIDR: a proxy in front of it has the certificate
  std::string postgresql, postgresql_password_file;

  // Where people sign in: at the company's provider, or here.
  std::string provider, provider_client_id, provider_client_secret_file;
  std::string provider_domain;               // whose addresses belong here; nobody else gets an account
  std::string provider_group;                // value of its `groups` claim that makes somebody a member of `group`; empty: nobody is one yet
  std::string person;                        // somebody who signs in here, with a password that is set later

  std::string group = "staff";
  std::vector<std::pair<std::string, std::string>> servers;   // id and URL of MCP servers
};

// File name → text: writ.yaml, deployment/…. The error is a sentence that says what is missing or wrong.
Result<std::map<std::string, std::string>, std::string> first_files(const FirstAnswers& answers);

}  // namespace writ::config
