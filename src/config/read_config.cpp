#include <algorithm>
#include <charconv>
#include <filesystem>

#include "config/config.h"
#include "config/read_keys.h"
#include "encoding/uri.h"
#include "registry/fields.h"

namespace writ::config {
namespace {

using registry::Fields;
using registry::Node;
using registry::Problems;

constexpr Seconds kMinute{60}, kHour{3600}, kDay{86400};

std::string resolved(const std::string& file, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

bool is_numeric_address(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
         (text.find(':') != std::string_view::npos || std::count(text.begin(), text.end(), '.') == 3);
}

// 127.0.0.1:8420, [::1]:8420
bool read_address(std::string_view text, Listener& listener) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') != host.ends_with(']')) return false;
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return false;
  }
  if (!is_numeric_address(host) || port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const int number = std::stoi(std::string(port));
  if (number > 65535) return false;
  listener.address = host;
  listener.port = static_cast<std::uint16_t>(number);
  return true;
}

class Reader {
 public:
  Reader(const Node& root, std::string file, std::string data_directory) : fields_(root, "the configuration", problems_) {
    config_.file = std::move(file);
    config_.data_directory = std::move(data_directory);
  }

  Result<Config, Problems> run() {
    fields_.find("version");   // of the format; there is one so far
    read_base();
    read_roles();
    read_listeners();
    read_idp();
    read_resource_as();
    read_clients();
    read_gateway();
    read_keys();
    read_store();
    read_audit();
    read_log();
    read_telemetry();
    read_signals();
    read_initial();
    fields_.finish();
    if (registry::has_errors(problems_)) return unexpected(std::move(problems_));
    return std::move(config_);
  }

 private:
  void read_base() {
    config_.base_url = fields_.required_text("base_url");
    const auto parsed = uri::parse(config_.base_url);
    const bool good = parsed && uri::is_secure_or_loopback(*parsed) && !parsed->query && !parsed->fragment && !parsed->has_userinfo && !config_.base_url.ends_with('/');
    if (!config_.base_url.empty() && !good) {
      fields_.error(fields_.at("base_url"), "`base_url` must be an https URL (http only on loopback) without a slash at its end, such as https://writ.example.com, not `" +
                                                config_.base_url.substr(0, 100) + "`");
    }
    if (config_.data_directory.empty()) {
      config_.data_directory = resolved(config_.file, fields_.required_text("data"));
    } else {
      fields_.text("data");
    }
    config_.organisation = fields_.text("organisation", config_.organisation);
    config_.authorities = resolved(config_.file, fields_.text("authorities"));
    config_.node = fields_.text("node", config_.node);
    if (config_.node.empty() || config_.node.size() > 32 ||
        config_.node.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos) {
      fields_.error(fields_.at("node"), "`node` has up to 32 lower-case letters, digits and -");
    }
    config_.skew = fields_.duration("clock_skew", config_.skew, Seconds{0}, Seconds{120});
  }

  void read_roles() {
    if (!fields_.has("roles")) return;
    const auto roles = fields_.texts("roles");
    const auto has = [&](const char* role) { return std::find(roles.begin(), roles.end(), role) != roles.end(); };
    for (const std::string& role : roles) {
      if (role != "idp" && role != "resource_as" && role != "gateway") {
        fields_.error(fields_.at("roles"), "unknown role `" + role.substr(0, 40) + "`: there are idp, resource_as and gateway");
      }
    }
    if (roles.empty()) fields_.error(fields_.at("roles"), "`roles` names none: leave it out for all, or name idp, resource_as, gateway");
    config_.idp.enabled = has("idp");
    config_.resource_as.enabled = has("resource_as");
    config_.gateway.enabled = has("gateway");
  }

  void read_listeners() {
    Listener& open = config_.public_listener;
    Listener& admin = config_.admin_listener;
    open.address = "127.0.0.1", open.port = 8420;
    admin.address = "127.0.0.1", admin.port = 8421;
    admin.socket = config_.data_directory + "/admin.sock";
    const Node* listeners = fields_.find("listeners");
    if (listeners) {
      Fields both(*listeners, "`listeners`", problems_);
      if (const Node* node = both.find("public")) read_listener(*node, "`public`", open, false);
      if (const Node* node = both.find("admin")) read_listener(*node, "`admin`", admin, true);
      if (const Node* node = both.find("internal")) read_internal(*node);
      both.finish();
    }
    if (!admin.address.empty() && admin.address == open.address && admin.port == open.port && admin.port != 0) {
      // A5: what administers must not be reachable where everybody is.
      fields_.error(listeners ? listeners->at : fields_.at("listeners"), "`public` and `admin` need addresses of their own");
    }
    if (open.hosts.empty()) {
      if (const auto parsed = uri::parse(config_.base_url)) {
        open.hosts = {parsed->origin().substr(parsed->scheme.size() + 3)};
      }
    }
  }

  void read_listener(const Node& node, const char* what, Listener& listener, bool is_admin) {
    Fields fields(node, what, problems_);
    if (fields.has("address")) {
      const std::string address = fields.text("address");
      if (is_admin && (address == "none" || address.empty())) {
        listener.address.clear(), listener.port = 0;
      } else if (!read_address(address, listener)) {
        fields.error(fields.at("address"), "`address` must be a numeric address with a port, such as 127.0.0.1:8420 or [::1]:8420, not `" + address.substr(0, 80) + "`");
      }
    } else {
      fields.find("address");
    }
    if (is_admin) {
      listener.socket = resolved(config_.file, fields.text("socket", listener.socket));
      if (listener.socket.size() > 100) fields.error(fields.at("socket"), "`socket` is longer than a local socket's path may be (100 bytes)");
    }
    if (const Node* tls = fields.find("tls")) {
      Fields files(*tls, "`tls`", problems_);
      listener.tls = TlsFiles{resolved(config_.file, files.required_text("certificate")), resolved(config_.file, files.required_text("key"))};
      if (const Node* clients = files.find("client_certificates")) {
        if (is_admin) files.error(clients->at, "`client_certificates` are asked for at `public` alone: administration has tokens, and the local socket");
        Fields asked(*clients, "`client_certificates`", problems_);
        listener.tls->client_certificates = true;
        listener.tls->client_authorities = resolved(config_.file, asked.text("authorities"));
        asked.finish();
      }
      files.finish();
    }
    listener.hosts = fields.texts("hosts");
    listener.trusted_proxies = fields.texts("trusted_proxies");
    for (const std::string& network : listener.trusted_proxies) {
      const auto slash = std::min(network.find('/'), network.size());
      if (!is_numeric_address(std::string_view(network).substr(0, slash))) {
        fields.error(fields.at("trusted_proxies"), "`trusted_proxies` names networks such as 10.0.0.0/8, not `" + network.substr(0, 80) + "`");
      } else if (slash < network.size() && network.substr(slash) == "/0") {
        fields.error(fields.at("trusted_proxies"), "`" + network.substr(0, 80) + "` would let everybody choose the address that is recorded: name the proxies' own networks");
      }
    }
    listener.forwarding = fields.choice<Listener::Forwarding>(
        "forwarding", listener.forwarding, {{"x_forwarded", Listener::Forwarding::x_forwarded}, {"forwarded", Listener::Forwarding::forwarded}});
    listener.proxy_protocol = fields.flag("proxy_protocol", false);
    if (listener.proxy_protocol && listener.trusted_proxies.empty()) {
      fields.error(fields.at("proxy_protocol"), "`proxy_protocol` needs `trusted_proxies`: else everybody could claim any address");
    }
    const bool loopback = listener.address.empty() || listener.address.starts_with("127.") || listener.address == "::1";
    if (!loopback && !listener.tls && listener.trusted_proxies.empty()) {
      fields.error(node.at, "a listener that others can reach needs `tls`, or `trusted_proxies` that end TLS in front of it");
    }
    if (is_admin && !loopback && listener.hosts.empty()) fields.error(node.at, "`admin` on an address that others can reach needs `hosts`: the names it is asked by");
    fields.finish();
  }

  void read_internal(const Node& node) {
    Fields fields(node, "`internal`", problems_);
    InternalListener& internal = config_.internal_listener.emplace();
    const std::string address = fields.required_text("address");
    if (!address.empty() && !read_address(address, internal.listener)) {
      fields.error(fields.at("address"), "`address` must be a numeric address with a port, such as 10.0.0.1:8422 or [fd00::1]:8422, not `" + address.substr(0, 80) + "`");
    }
    internal.url = fields.text("url", "https://" + address);
    const auto url = uri::parse(internal.url);
    if (!address.empty() && (!url || url->scheme != "https" || url->origin() != internal.url)) {
      fields.error(fields.has("url") ? fields.at("url") : fields.at("address"), "`url` must be an https origin by which the other nodes reach this one, such as https://node-1.example.com:8422");
    }
    if (url) internal.listener.hosts = {url->origin().substr(url->scheme.size() + 3)};
    if (const Node* tls = fields.find("tls")) {
      Fields files(*tls, "`tls`", problems_);
      internal.listener.tls = TlsFiles{resolved(config_.file, files.required_text("certificate")), resolved(config_.file, files.required_text("key")), true,
                                       resolved(config_.file, files.required_text("authorities"))};
      files.finish();
    } else {
      fields.error(node.at, "`internal` needs `tls`: the nodes show each other certificates");
    }
    fields.finish();
    const Node* store = fields_.find("store");
    if (!store || !store->find("nodes")) problems_.push_back({node.at, "`internal` is for one node among several: it needs `store.nodes`"});
  }

  std::string issuer(Fields& fields, const char* name, const char* suffix) {
    const std::string value = fields.text(name, config_.base_url + suffix);
    if (fields.has(name) && (!uri::is_issuer(value) || value.ends_with('/'))) {
      fields.error(fields.at(name), "`" + std::string(name) + "` must be an https URL (http only on loopback) without query, fragment or a slash at its end");
    }
    return value;
  }

  void read_idp() {
    static const Node none = [] { Node node; node.kind = Node::Kind::mapping; return node; }();
    const Node* node = fields_.find("idp");
    Fields fields(node ? *node : none, "`idp`", problems_);
    Idp& idp = config_.idp;
    idp.issuer = issuer(fields, "issuer", "/idp");
    idp.session_idle = fields.duration("session_idle", idp.session_idle, kMinute, 30 * kDay);
    idp.session_absolute = fields.duration("session_absolute", idp.session_absolute, kMinute, 90 * kDay);
    if (idp.session_idle > idp.session_absolute) fields.error(fields.at("session_idle"), "`session_idle` is longer than `session_absolute`");
    idp.id_token_lifetime = fields.duration("id_token_lifetime", idp.id_token_lifetime, kMinute, kDay);
    idp.access_token_lifetime = fields.duration("access_token_lifetime", idp.access_token_lifetime, kMinute, kDay);
    idp.authorization_code_lifetime = fields.duration("authorization_code_lifetime", idp.authorization_code_lifetime, Seconds{10}, 10 * kMinute);
    idp.id_jag_lifetime_max = fields.duration("id_jag_lifetime_max", idp.id_jag_lifetime_max, Seconds{10}, kHour);
    idp.refresh_repeat = fields.duration("refresh_repeat", idp.refresh_repeat, Seconds{0}, 2 * kMinute);
    idp.policy_denial = fields.choice<Idp::PolicyDenial>(
        "policy_denial", idp.policy_denial, {{"access_denied", Idp::PolicyDenial::access_denied}, {"invalid_target", Idp::PolicyDenial::invalid_target}});
    idp.dpop_nonce = dpop_nonce(fields);
    idp.registration = client_registration(fields);
    fields.finish();
  }

  std::optional<ClientRegistration> client_registration(Fields& fields) {
    const Node* node = fields.find("client_registration");
    if (!node) return std::nullopt;
    Fields asked(*node, "`client_registration`", problems_);
    ClientRegistration read;
    read.without_token = asked.flag("without_token", read.without_token);
    read.waiting_max = static_cast<int>(asked.integer("waiting_max", read.waiting_max, 1, 10'000));
    read.waiting_for = asked.duration("waiting_for", read.waiting_for, kHour, 90 * kDay);
    read.per_hour = static_cast<int>(asked.integer("per_hour", read.per_hour, 1, 1'000));
    asked.finish();
    return read;
  }

  static DpopNonce dpop_nonce(Fields& fields) {
    return fields.choice<DpopNonce>("dpop_nonce", DpopNonce::when_needed, {{"when_needed", DpopNonce::when_needed}, {"always", DpopNonce::always}});
  }

  void read_resource_as() {
    static const Node none = [] { Node node; node.kind = Node::Kind::mapping; return node; }();
    const Node* node = fields_.find("resource_as");
    Fields fields(node ? *node : none, "`resource_as`", problems_);
    ResourceAs& ras = config_.resource_as;
    ras.issuer = issuer(fields, "issuer", "/ras");
    ras.access_token_lifetime = fields.duration("access_token_lifetime", ras.access_token_lifetime, Seconds{30}, kHour);
    ras.policy_denial = fields.choice<ResourceAs::PolicyDenial>(
        "policy_denial", ras.policy_denial,
        {{"access_denied", ResourceAs::PolicyDenial::access_denied}, {"invalid_grant", ResourceAs::PolicyDenial::invalid_grant}});
    ras.missing_scope = fields.choice<ResourceAs::MissingScope>(
        "missing_scope", ras.missing_scope, {{"inherit", ResourceAs::MissingScope::inherit}, {"none", ResourceAs::MissingScope::none}});
    ras.default_resource = fields.text("default_resource");
    ras.encryption = fields.choice<ResourceAs::Encryption>(
        "encryption", ras.encryption, {{"off", ResourceAs::Encryption::off}, {"offered", ResourceAs::Encryption::offered}, {"required", ResourceAs::Encryption::required}});
    ras.dpop_nonce = dpop_nonce(fields);
    ras.registration = client_registration(fields);
    if (!ras.default_resource.empty() && !uri::is_resource(ras.default_resource)) {
      fields.error(fields.at("default_resource"), "`default_resource` must be the `resource` of a server");
    }
    ras.agent = fields.text("agent");
    ras.agent_secret_file = resolved(config_.file, fields.text("agent_secret_file"));
    if (ras.agent.empty() && !ras.agent_secret_file.empty()) fields.error(fields.at("agent_secret_file"), "`agent_secret_file` is of no use without `agent`");
    if (ras.issuer == config_.idp.issuer && !ras.issuer.empty()) {
      // Two trust domains with one name could not tell each other's tokens apart.
      fields.error(fields.at("issuer"), "`resource_as` needs an issuer of its own, other than the one of `idp`");
    }
    fields.finish();
  }

  void read_clients() {
    const Node* node = fields_.find("clients");
    if (!node) return;
    Fields fields(*node, "`clients`", problems_);
    config_.clients.documents_on_loopback = fields.flag("documents_on_loopback", false);
    fields.finish();
  }

  void read_gateway() {
    static const Node none = [] { Node node; node.kind = Node::Kind::mapping; return node; }();
    const Node* node = fields_.find("gateway");
    Fields fields(node ? *node : none, "`gateway`", problems_);
    Gateway& gateway = config_.gateway;
    gateway.base = issuer(fields, "base", "/mcp");
    gateway.denied_calls = fields.choice<Gateway::DeniedCalls>(
        "denied_calls", gateway.denied_calls, {{"result", Gateway::DeniedCalls::result}, {"http_403", Gateway::DeniedCalls::http_403}});
    gateway.denials = fields.choice<Gateway::Denials>("denials", gateway.denials, {{"full", Gateway::Denials::full}, {"code_only", Gateway::Denials::code_only}});
    gateway.call_durability = fields.choice<Gateway::CallDurability>(
        "call_durability", gateway.call_durability, {{"process", Gateway::CallDurability::process}, {"power", Gateway::CallDurability::power}});
    gateway.call_deadline = fields.duration("call_deadline", gateway.call_deadline, Seconds{1}, kDay);
    gateway.member_deadline = fields.duration("member_deadline", gateway.member_deadline, Seconds{1}, Seconds{300});
    gateway.agent = fields.text("agent");
    gateway.dpop_nonce = dpop_nonce(fields);
    if (const Node* upstreams = fields.find("upstreams")) read_upstreams(*upstreams);
    fields.finish();
  }

  void read_upstreams(const Node& node) {
    Fields fields(node, "`upstreams`", problems_);
    Gateway::Upstreams& upstreams = config_.gateway.upstreams;
    upstreams.failures_max = static_cast<int>(fields.integer("failures", upstreams.failures_max, 0, 1'000));
    upstreams.retry = fields.duration("retry", upstreams.retry, Seconds{1}, Seconds{3600});
    upstreams.retry_max = fields.duration("retry_max", std::max(upstreams.retry, upstreams.retry_max), Seconds{1}, Seconds{3600});
    if (upstreams.retry_max < upstreams.retry) fields.error(fields.at("retry_max"), "`retry_max` is shorter than `retry`");
    upstreams.waiting_max = static_cast<std::size_t>(fields.integer("waiting", static_cast<std::int64_t>(upstreams.waiting_max), 1, 100'000));
    upstreams.waiting_per_user_max = static_cast<std::size_t>(fields.integer("waiting_per_user", static_cast<std::int64_t>(upstreams.waiting_per_user_max), 1, 100'000));
    fields.finish();
  }

  void read_keys() {
    config_.keys.sealing_key_file = config_.data_directory + "/sealing.key";
    if (const Node* node = fields_.find("keys")) config::read_keys(*node, config_, problems_);
  }

  void read_store() {
    const Node* node = fields_.find("store");
    if (!node) return;
    Fields fields(*node, "`store`", problems_);
    config_.store.postgresql = fields.required_text("postgresql");
    config_.store.password_file = resolved(config_.file, fields.text("password_file"));
    if (const Node* nodes = fields.find("nodes")) read_nodes(*nodes);
    fields.finish();
  }

  void read_nodes(const Node& node) {
    Fields fields(node, "`nodes`", problems_);
    config_.store.nodes.emplace();
    config_.store.nodes->lease = fields.duration("lease", Seconds{1}, Seconds{1}, Seconds{60});
    fields.finish();
    // Each node would seal with a key that the others do not have.
    const Node* keys = fields_.find("keys");
    if (!keys || !keys->find("sealing_key_file")) problems_.push_back({node.at, "`nodes` need `keys.sealing_key_file`: the same 32 bytes for each of them"});
    if (!fields_.find("node")) problems_.push_back({node.at, "`nodes` need `node`: a name of its own for each of them"});
  }

  void read_audit() {
    const Node* node = fields_.find("audit");
    if (!node) return;
    Fields fields(*node, "`audit`", problems_);
    config_.audit.keep = fields.duration("keep", config_.audit.keep, kDay, 36500 * kDay);
    for (const Node& sink : fields.list("sinks")) read_sink(sink);
    fields.finish();
  }

  void read_sink(const Node& node) {
    Fields fields(node, "an audit sink", problems_);
    AuditSink sink;
    sink.id = fields.required_text("id");
    sink.ca_file = resolved(config_.file, fields.text("ca_file"));
    sink.as_ocsf = fields.choice<bool>("format", true, {{"ocsf", true}, {"records", false}});
    sink.from_beginning = fields.choice<bool>("from", true, {{"beginning", true}, {"now", false}});
    if (const Node* webhook = fields.find("webhook")) {
      Fields at(*webhook, "`webhook`", problems_);
      sink.webhook_url = at.required_text("url");
      const auto url = uri::parse(sink.webhook_url);
      if (!sink.webhook_url.empty() && (!url || !uri::is_secure_or_loopback(*url))) at.error(at.at("url"), "`url` must be an https URL (http is for loopback only)");
      sink.authorization_file = resolved(config_.file, at.text("authorization_file"));
      at.finish();
    }
    if (const Node* syslog = fields.find("syslog")) {
      Fields at(*syslog, "`syslog`", problems_);
      read_syslog_address(at, sink);
      sink.client_certificate_file = resolved(config_.file, at.text("client_certificate_file"));
      sink.client_key_file = resolved(config_.file, at.text("client_key_file"));
      if (sink.client_certificate_file.empty() != sink.client_key_file.empty()) at.error(at.at("client_key_file"), "`client_certificate_file` and `client_key_file` belong together");
      at.finish();
    }
    if (fields.has("webhook") == fields.has("syslog")) fields.error(node.at, "an audit sink is a `webhook` or a `syslog` receiver: write one of the two");
    for (const AuditSink& other : config_.audit.sinks) {
      if (other.id == sink.id && !sink.id.empty()) fields.error(fields.at("id"), "two audit sinks are called `" + sink.id + "`");
    }
    fields.finish();
    config_.audit.sinks.push_back(std::move(sink));
  }

  // siem.example.com:6514, [2001:db8::1]:6514, or a name alone.
  void read_syslog_address(Fields& fields, AuditSink& sink) {
    const std::string text = fields.required_text("address");
    const auto parsed = uri::parse("https://" + text);
    if (!text.empty() && (!parsed || parsed->has_userinfo || !parsed->path.empty() || parsed->query || parsed->fragment)) {
      fields.error(fields.at("address"), "`address` must be a name or an address, with `:PORT` when that is not 6514");
      return;
    }
    if (!parsed) return;
    sink.syslog_host = parsed->host;
    sink.syslog_port = parsed->port.value_or(sink.syslog_port);
  }

  void read_log() {
    const Node* node = fields_.find("log");
    if (!node) return;
    Fields fields(*node, "`log`", problems_);
    config_.log.level = fields.choice<Log::Level>(
        "level", config_.log.level,
        {{"debug", Log::Level::debug}, {"info", Log::Level::info}, {"warning", Log::Level::warning}, {"error", Log::Level::error}});
    config_.log.format = fields.choice<Log::Format>("format", config_.log.format,
                                                    {{"auto", Log::Format::automatic}, {"json", Log::Format::json}, {"text", Log::Format::text}});
    config_.log.access = fields.choice<Log::Access>(
        "access", config_.log.access, {{"off", Log::Access::off}, {"stderr", Log::Access::standard_error}, {"file", Log::Access::file}});
    config_.log.access_file = resolved(config_.file, fields.text("access_file"));
    if ((config_.log.access == Log::Access::file) == config_.log.access_file.empty()) {
      fields.error(fields.at("access"), "`access: file` and `access_file` need each other: the one says that there is an access log, the other where");
    }
    fields.finish();
  }

  void read_telemetry() {
    const Node* node = fields_.find("telemetry");
    if (!node) return;
    Fields fields(*node, "`telemetry`", problems_);
    Telemetry& telemetry = config_.telemetry;
    telemetry.sampling = share(fields, "sampling", telemetry.sampling);
    telemetry.otlp = fields.text("otlp");
    telemetry.authorization_file = resolved(config_.file, fields.text("authorization_file"));
    telemetry.incoming = fields.choice<Telemetry::Incoming>("incoming", telemetry.incoming, {{"link", Telemetry::Incoming::link}, {"parent", Telemetry::Incoming::parent}});
    const auto url = uri::parse(telemetry.otlp);
    if (!telemetry.otlp.empty() && (!url || !uri::is_secure_or_loopback(*url) || url->fragment || url->has_userinfo)) {
      fields.error(fields.at("otlp"), "`otlp` must be the collector's https URL for traces (http only on loopback), such as https://collector.example.com/v1/traces");
    }
    if (telemetry.sampling > 0 && telemetry.otlp.empty()) fields.error(fields.at("sampling"), "`sampling` needs `otlp`: where traces are sent");
    fields.finish();
  }

  void read_signals() {
    const Node* node = fields_.find("signals");
    if (!node) return;
    Fields fields(*node, "`signals`", problems_);
    Signals& signals = config_.signals;
    signals.transmit = fields.flag("transmit", false);
    if (signals.transmit && !config_.idp.enabled) fields.error(fields.at("transmit"), "`transmit` needs the role `idp`: events are about its people");
    for (const Node& item : fields.list("receive")) read_source(item);
    fields.finish();
  }

  void read_source(const Node& node) {
    using Source = Signals::Source;
    Fields fields(node, "a source of events", problems_);
    Source source;
    source.issuer = fields.required_text("issuer");
    if (!source.issuer.empty() && !uri::is_issuer(source.issuer)) fields.error(fields.at("issuer"), "`issuer` must be an https URL (http only on loopback) without query or fragment");
    source.token_file = resolved(config_.file, fields.required_text("token_file"));
    source.delivery = fields.choice<Source::Delivery>("delivery", Source::Delivery::push, {{"push", Source::Delivery::push}, {"poll", Source::Delivery::poll}});
    source.whom = config_.resource_as.enabled ? Source::For::resource_as : Source::For::idp;
    source.whom = fields.choice<Source::For>("for", source.whom, {{"resource_as", Source::For::resource_as}, {"idp", Source::For::idp}});
    const bool is_enabled = source.whom == Source::For::idp ? config_.idp.enabled : config_.resource_as.enabled;
    if (!is_enabled) fields.error(fields.has("for") ? fields.at("for") : node.at, "this process does not run the role that these events are for");
    const bool is_known = std::any_of(config_.signals.receive.begin(), config_.signals.receive.end(), [&](const Source& other) { return other.issuer == source.issuer; });
    if (is_known) fields.error(fields.at("issuer"), "this issuer is named twice");
    fields.finish();
    config_.signals.receive.push_back(std::move(source));
  }

  // 0 to 1, as text or as a whole number.
  static double share(Fields& fields, const char* name, double fallback) {
    const Node* node = fields.find(name);
    if (!node) return fallback;
    double value = -1;
    const auto read = std::from_chars(node->text.data(), node->text.data() + node->text.size(), value, std::chars_format::fixed);
    const bool is_number = node->kind != Node::Kind::mapping && node->kind != Node::Kind::list && read.ec == std::errc() && read.ptr == node->text.data() + node->text.size();
    if (is_number && value >= 0 && value <= 1) return value;
    fields.error(fields.at(name), "`" + std::string(name) + "` must be a number from 0 to 1, such as 0.05, not `" + node->text.substr(0, 40) + "`");
    return fallback;
  }

  void read_initial() {
    if (const Node* objects = fields_.find("objects")) {
      if (objects->kind == Node::Kind::mapping) {
        config_.objects = *objects;
      } else {
        config_.objects_path = resolved(config_.file, fields_.text("objects"));
      }
    }
    config_.policy_directory = resolved(config_.file, fields_.text("policy"));
  }

  Problems problems_;
  Fields fields_;
  Config config_;
};

}  // namespace

Result<Config, Problems> read_config(const Node& root, std::string file, std::string data_directory) {
  return Reader(root, std::move(file), std::move(data_directory)).run();
}

}  // namespace writ::config
