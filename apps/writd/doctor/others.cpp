#include <set>

#include "adapters/net/run_on.h"
#include "adapters/net/sending_stream.h"
#include "adapters/outgoing/curl_outgoing.h"
#include "doctor/clock.h"
#include "encoding/uri.h"
#include "jose/fetch_keys.h"
#include "look.h"

namespace writ::writd {
namespace {

using Kind = http::OutgoingFailure::Kind;

std::string sentence_of(const http::OutgoingFailure& failure) {
  switch (failure.kind) {
    case Kind::refused_url: return "is no address that Writ asks (https, or http on loopback)";
    case Kind::refused_address: return "leads to an address that Writ does not ask";
    case Kind::connect: return "cannot be reached: " + failure.detail;
    case Kind::tls: return "has no certificate that this system trusts: " + failure.detail;
    case Kind::timeout: return "does not answer in time";
    case Kind::too_large: return "answers with more than such a document holds";
    case Kind::broken: return "breaks off: " + failure.detail;
  }
  return "cannot be asked";
}

std::string sentence_of(jose::KeyFetchProblem problem) {
  switch (problem) {
    case jose::KeyFetchProblem::unreachable: return "its metadata or keys cannot be reached";
    case jose::KeyFetchProblem::bad_status: return "its metadata or keys are not answered with 200; redirects are not followed";
    case jose::KeyFetchProblem::bad_metadata: return "its metadata is no JSON object with a `jwks_uri`";
    case jose::KeyFetchProblem::wrong_issuer: return "its metadata names another issuer: they are compared byte for byte, a slash at the end counts";
    case jose::KeyFetchProblem::insecure_uri: return "its key address is not https";
    case jose::KeyFetchProblem::no_key_set: return "what stands at its key address is no JWK set";
    case jose::KeyFetchProblem::no_usable_key: return "its JWK set holds no key that Writ would verify with";
  }
  return "its keys cannot be fetched";
}

class Asking {
 public:
  Asking(const config::Config& config, net::EventLoops& loops, const Clock& clock, doctor::Report& report) : config_(config), loops_(loops), clock_(clock), report_(report) {}

  // An issuer whose keys we need. `jwks_uri` empty: from its metadata.
  void issuer(const std::string& what, const std::string& issuer, const std::string& jwks_uri) {
    const std::string who = what + " `" + issuer + "`";
    for (const auto& url : jwks_uri.empty() ? jose::metadata_urls(issuer) : std::vector<std::string>{jwks_uri}) {
      const auto answer = get(url);
      if (!answer) return report_.wrong("issuers", who + " " + sentence_of(answer.error()), "check the name, the network and the proxy from this machine; what it signed is not accepted until then");
      tell_clock(issuer, *answer);
      if (answer->status == 200) break;
    }
    auto fetching = jose::fetch_keys(issuers_, jose::KeySource(issuer, jwks_uri, false));
    const auto keys = net::run_on(loops_, std::move(fetching));
    if (!keys) return report_.wrong("issuers", who + ": " + sentence_of(keys.error()), "correct the issuer in its object, or what it publishes");
    report_.good("issuers", who + " publishes metadata and " + std::to_string(keys->keys().size()) + (keys->keys().size() == 1 ? " key" : " keys"));
  }

  // Where we send things to: whether somebody is there. Nothing is sent, and no credential.
  void receiver(const char* area, const std::string& what, const std::string& url, const std::string& ca_file) {
    http::OutgoingRequest request;
    request.method = "HEAD";
    request.url = url;
    request.ca_file = ca_file;
    const auto answer = net::run_on(loops_, outgoing_.fetch(std::move(request)));
    if (!answer) return report_.wrong(area, what + " at `" + url + "` " + sentence_of(answer.error()), "check the name, the network and its certificate from this machine");
    report_.good(area, what + " at `" + url + "` is there");
  }

  void syslog(const config::AuditSink& sink) {
    const std::string what = "audit sink `" + sink.id + "`";
    net::SendingStream stream({sink.syslog_host, sink.syslog_port, sink.ca_file, sink.client_certificate_file, sink.client_key_file, 5'000});
    const auto sent = net::run_on(loops_, stream.send_and_close(""));
    if (!sent) return report_.wrong("sinks", what + ": " + sent.error(), "check the name, the network and both certificates from this machine");
    report_.good("sinks", what + " at " + sink.syslog_host + " takes connections");
  }

  // What the world would read about a role of ours.
  void own(const std::string& issuer, const char* document) {
    const auto url = uri::well_known(issuer, document);
    const std::string who = "`" + issuer + "`";
    const auto answer = get(*url);
    if (!answer) return report_.warning("public", who + " " + sentence_of(answer.error()), "from this machine it is not to be had at its public name; from elsewhere it may be: look at DNS, proxy and certificate");
    const auto metadata = json::parse(answer->status == 200 ? answer->body : std::string());
    const auto* named = metadata ? metadata->find_string("issuer") : nullptr;
    if (!named || *named != issuer) {
      return report_.wrong("public", "`" + *url + "` is answered with " + (named ? "metadata of `" + *named + "`" : "status " + std::to_string(answer->status) + " and no metadata"),
                           "something else answers at the public name: send its requests to this server");
    }
    report_.good("public", who + " answers at its public name");
  }

 private:
  using Answer = Result<http::OutgoingResponse, http::OutgoingFailure>;
  Answer get(const std::string& url) {
    http::OutgoingRequest request;
    request.url = url;
    request.response_bytes_max = 256 * 1024;
    request.headers.add("Accept", "application/json");
    sent_ = clock_.now();
    auto answer = net::run_on(loops_, issuers_.fetch(std::move(request)));
    received_ = clock_.now();
    return answer;
  }
  void tell_clock(const std::string& issuer, const http::OutgoingResponse& answer) {
    if (!clocks_.insert(issuer).second) return;
    const auto* date = answer.headers.find_single("Date");
    doctor::judge_clock(report_, "the clock of `" + issuer + "`", date ? *date : "", sent_, received_, config_.skew);
  }

  const config::Config& config_;
  net::EventLoops& loops_;
  const Clock& clock_;
  doctor::Report& report_;
  outgoing::CurlOutgoing outgoing_{{}};
  outgoing::CurlOutgoing issuers_{outgoing::CurlOptions{.ca_file = config_.authorities}};   // as the server asks them
  Instant sent_{}, received_{};
  std::set<std::string> clocks_;
};

}  // namespace

void look_at_others(const config::Config& config, const std::optional<registry::Objects>& objects, bool is_running, net::EventLoops& loops, const Clock& clock, doctor::Report& report) {
  Asking asking(config, loops, clock, report);
  if (is_running && config.idp.enabled) asking.own(config.idp.issuer, "openid-configuration");
  if (is_running && config.resource_as.enabled) asking.own(config.resource_as.issuer, "oauth-authorization-server");
  if (objects) {
    for (const auto& connector : objects->identity_connectors) {
      if (connector.active) asking.issuer("identity provider", connector.issuer, "");
    }
    for (const auto& trusted : objects->trusted_issuers) {
      if (trusted.active && trusted.issuer != config.idp.issuer) asking.issuer("trusted issuer", trusted.issuer, trusted.jwks_uri);
    }
    for (const auto& point : objects->decision_points) {
      if (point.active) asking.receiver("decision points", "decision point `" + point.id + "`", point.url, config.authorities);
    }
  }
  for (const auto& sink : config.audit.sinks) {
    if (sink.webhook_url.empty()) asking.syslog(sink);
    else asking.receiver("sinks", "audit sink `" + sink.id + "`", sink.webhook_url, sink.ca_file);
  }
  if (!config.telemetry.otlp.empty()) asking.receiver("telemetry", "the collector of traces", config.telemetry.otlp, "");
}

}  // namespace writ::writd
