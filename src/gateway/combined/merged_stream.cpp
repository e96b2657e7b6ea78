#include "gateway/combined/merged_stream.h"

#include <algorithm>
#include <utility>

#include "gateway/combined/names.h"
#include "gateway/combined/translation.h"
#include "gateway/cut_off.h"
#include "gateway/owed_notifications.h"
#include "gateway/way.h"

namespace writ::gateway::combined {
namespace {

using http::StreamEnd;

constexpr std::size_t kPendingBytesMax = 256 * 1024;
constexpr Seconds kOpenAgainFirst{2}, kOpenAgainMost{60};
constexpr std::string_view kAcknowledged = "notifications/subscriptions/acknowledged";
constexpr const char* kChanges[] = {"toolsListChanged", "promptsListChanged", "resourcesListChanged"};

bool is_wanted(const json::Value* wanted, const char* name) {
  const bool* flag = wanted ? wanted->find_bool(name) : nullptr;
  return flag && *flag;
}

}  // namespace

json::Value listen_at_member(const mcp::Message& message, std::string_view member, bool with_resources) {
  json::Value wanted = message.param("notifications") ? *message.param("notifications") : json::Value(json::Object{});
  if (const auto* uris = wanted.find_array("resourceSubscriptions")) {
    json::Array own;
    for (const json::Value& uri : *uris) {
      const auto parts = uri.as_string() ? split_uri(*uri.as_string()) : std::nullopt;
      if (parts && parts->member == member) own.emplace_back(std::string(parts->rest));
    }
    if (own.empty() || !with_resources) wanted.erase("resourceSubscriptions");
    else wanted.set("resourceSubscriptions", std::move(own));
  }
  return with_param(message.value(), "notifications", std::move(wanted));
}

class MergedStream::Merge : public std::enable_shared_from_this<MergedStream::Merge> {
 public:
  Merge(Gateway& gateway, Members& members, const Handles& handles, std::shared_ptr<const Asking> asking, std::shared_ptr<Exchange> own, std::vector<std::string> of,
        std::optional<Points> points)
      : gateway_(gateway), members_(members), handles_(handles), asking_(std::move(asking)), own_(std::move(own)), executor_(Executor::current()), points_(std::move(points)) {
    for (std::string& member : of) sources_[std::move(member)];
  }

  void start() {
    const auto weak = weak_from_this();
    own_->poke = [weak] {
      if (const auto alive = weak.lock()) alive->wake();
    };
    if (is_listen()) {
      acknowledges_ = true;
      members_.alarms().set(gateway_.dependencies().clock.now() + gateway_.dependencies().settings.member_deadline, [weak] {
        if (const auto alive = weak.lock()) alive->acknowledge();
      });
      waits_for_ = sources_.size();
    } else if (asking_->sessions) {
      asking_->sessions->on_open([weak, executor = executor_](const std::string& member) {
        if (!executor) return;
        executor->post([weak, member] {
          if (const auto alive = weak.lock()) alive->open(member);
        });
      });
    }
    std::vector<std::string> all;
    for (const auto& [member, source] : sources_) all.push_back(member);
    for (const std::string& member : all) open(member);
    if (waits_for_ == 0) acknowledge();
  }

  Task<Result<std::string, StreamEnd>> next() {
    while (true) {
      append_owed_once();
      if (own_->stopped != Stopped::no && !ended_) {
        CutOffNotice notice;
        if (own_->stopped == Stopped::no_longer_allowed) {
          const auto cut_off = own_->cut_off;
          auto recorded = co_await record_cut_off(gateway_.recorder(), cut_off);
          notice = std::move(recorded);
        }
        finish(notice);
      }
      if (!pending_.empty() && !acknowledges_) {
        std::string out = std::exchange(pending_, {});
        own_->bytes += static_cast<std::int64_t>(out.size());
        make_room();
        co_return out;
      }
      if (ended_) co_return unexpected(*ended_);
      const auto self = shared_from_this();
      auto begin = [raw = self.get()](std::function<void(bool)> resume) { raw->waiter_ = std::move(resume); };
      auto wait = suspend_until<bool>(begin);
      co_await wait;
    }
  }

  // The stream is gone; the exchange may be held a little longer.
  void let_go() { own_->body = nullptr; }
  // Nobody listens any more, or the exchange was stopped: then next() says how it ended.
  void cancel() {
    const auto self = shared_from_this();
    if (own_->stopped == Stopped::no && !ended_) {
      ended_ = StreamEnd::broken;
      gateway_.recorder().outcome(*own_, 200, "client_gone");
    }
    stop_sources();
    wake();
  }

 private:
  struct Source {
    std::shared_ptr<Exchange> exchange;   // while there is a stream
    bool is_open = false;                 // or is being opened
    bool was_open = false;
    bool has_none = false;                // the member has no such stream
    bool without_resources = false;       // it was denied with the resources that were asked for
    Seconds pause = kOpenAgainFirst;
    std::optional<json::Value> honoured;  // of a subscription
    bool has_settled = false, opens_at_once = false;
  };

  bool is_listen() const { return own_->message.has_value(); }
  void wake() {
    const auto resume = std::exchange(waiter_, nullptr);
    if (resume) resume(true);
  }
  void make_room() {
    const auto waiting = std::exchange(room_waiters_, {});
    for (const auto& resume : waiting) resume(true);
  }
  void stop_sources() {
    for (auto& [member, source] : sources_) {
      // Its end lets go of the exchange: not before stop() is through.
      const auto exchange = source.exchange;
      if (exchange) exchange->stop(Stopped::client_gone);
    }
    make_room();
  }
  bool is_over() const { return ended_ || own_->stopped != Stopped::no; }

  void finish(CutOffNotice& notice) {
    if (ended_) return;
    ended_ = StreamEnd::complete;
    acknowledges_ = false;
    if (own_->own_id() && own_->stopped == Stopped::token_expired) append_end_of_subscription(*own_, pending_);
    if (own_->stopped == Stopped::no_longer_allowed) {
      if (own_->own_id()) append_data(mcp::error_response(own_->own_id(), mcp::code::kDenied, notice.text, std::move(notice.data)), pending_);
      else append_log_message(notice.text, std::move(notice.data), pending_);
    }
    gateway_.recorder().outcome(*own_, 200, to_string(own_->stopped));
    stop_sources();
  }

  void open(const std::string& member) {
    const auto found = sources_.find(member);
    if (found == sources_.end() || found->second.is_open || found->second.has_none || is_over()) return;
    found->second.is_open = true;
    spawn(follow(shared_from_this(), member), [weak = weak_from_this(), member](std::exception_ptr) {
      if (const auto alive = weak.lock()) alive->closed(member);
    });
  }

  void closed(const std::string& member) {
    Source& source = sources_[member];
    source.is_open = false;
    source.exchange.reset();
    if (std::exchange(source.opens_at_once, false)) return open(member);
    settled(source);
    // A session at the member that is not there yet opens the stream when it comes.
    const bool comes_by_itself = asking_->sessions && !asking_->sessions->find(member);
    if (is_over() || source.has_none || comes_by_itself) return;
    members_.alarms().set(gateway_.dependencies().clock.now() + source.pause, [weak = weak_from_this(), member] {
      if (const auto alive = weak.lock()) alive->open(member);
    });
    source.pause = std::min(source.pause * 2, kOpenAgainMost);
  }

  static Task<void> follow(std::shared_ptr<Merge> self, std::string member) {
    Gateway& gateway = self->gateway_;
    const auto admission = gateway.admit_again(self->asking_->admission, member, self->asking_->admission.server->id);
    if (!admission) co_return;
    const auto policy = gateway.dependencies().policy.get();
    if (authorize_connection(gateway.circumstances(*admission, *policy, self->asking_->from)).outcome != Verdict::Outcome::allowed) co_return;
    Asking asking = *self->asking_;
    asking.from.client_gone = nullptr;
    asking.admission = *admission;
    asking.admission.server = admission->endpoint, asking.admission.endpoint = nullptr;
    if (asking.sessions && !asking.sessions->find(member)) co_return;
    json::Value listen;
    if (self->is_listen()) listen = listen_at_member(*self->own_->message, member, !self->sources_[member].without_resources);
    const auto made = self->members_.call(asking, member, self->is_listen() ? &listen : nullptr);
    if (!made) co_return;
    if (!self->is_listen()) made->request.headers.add("Accept", "text/event-stream");
    const std::string* const point = self->points_ ? self->points_->of(member) : nullptr;
    const bool resumes = point != nullptr;
    if (resumes) made->request.headers.add("Last-Event-ID", *point);
    self->sources_[member].exchange = made->exchange;
    http::Response response = co_await gateway.walk(made->request, made->admission, made->exchange, made->record);
    if (response.status == 405) self->sources_[member].has_none = true;
    if (response.status == 404 && asking.sessions && made->exchange->session) asking.sessions->forget(member, *made->exchange->session);
    if (!response.stream && self->is_listen() && made->exchange->message->param("notifications")->find("resourceSubscriptions")) {
      // One resource that is denied must not cost the news of the lists; it is just not honoured.
      self->sources_[member].without_resources = self->sources_[member].opens_at_once = true;
    }
    if (!response.stream && resumes) {
      // What came after the point is lost, and what comes now is not.
      self->points_->forget(member);
      self->sources_[member].opens_at_once = true;
    }
    if (!response.stream) co_return;
    const std::unique_ptr<http::BodyStream> stream = std::move(response.stream);
    self->opened(member);
    mcp::SseParser parser(gateway.dependencies().settings.answer_bytes_max);
    while (!self->is_over()) {
      auto piece = co_await stream->next();
      if (!piece) break;
      std::vector<mcp::Event> events;
      const auto fed = parser.feed(*piece, events);
      for (const mcp::Event& event : events) self->take(member, event);
      self->wake();
      if (!fed) break;
      if (self->pending_.size() < kPendingBytesMax || self->is_over()) continue;
      auto begin = [raw = self.get()](std::function<void(bool)> resume) { raw->room_waiters_.push_back(std::move(resume)); };
      auto wait = suspend_until<bool>(begin);
      co_await wait;
    }
    stream->cancel();
  }

  void opened(const std::string& member) {
    Source& source = sources_[member];
    source.pause = kOpenAgainFirst;
    if (!std::exchange(source.was_open, true) || !is_listen()) return;
    // What happened while it was away is not known.
    const json::Value* wanted = own_->message->param("notifications");
    const std::pair<const char*, const char*> lists[] = {{"toolsListChanged", "notifications/tools/list_changed"},
                                                         {"promptsListChanged", "notifications/prompts/list_changed"},
                                                         {"resourcesListChanged", "notifications/resources/list_changed"}};
    for (const auto& [name, method] : lists) {
      if (!is_wanted(wanted, name)) continue;
      json::Value params = json::Object{};
      params.set("_meta", subscription_meta(*own_->own_id()));
      add(json::write(json::Value{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}));
    }
  }

  void take(const std::string& member, const mcp::Event& event) {
    if (points_) points_->note(member, event);
    if (!event.has_data || event.data.empty()) {
      if (event.id && points_) add("");   // a point to resume from, and nothing else
      return;
    }
    const Settings& settings = gateway_.dependencies().settings;
    const Telling telling{handles_, {settings.answer_bytes_max, settings.depth_max, settings.members_max}, member, "", "", std::nullopt, false};
    if (is_listen() && takes_for_itself(member, event.data)) return;
    if (auto told = tell(telling, event.data, gateway_.dependencies().clock.now())) add(*told);
  }

  // Acknowledgements and ends of members' subscriptions: this stream has its own.
  bool takes_for_itself(const std::string& member, const std::string& text) {
    const Settings& settings = gateway_.dependencies().settings;
    const auto message = mcp::Message::parse_from_server(text, {settings.answer_bytes_max, settings.depth_max, settings.members_max});
    if (!message) return true;
    if (message->is_response()) return true;
    if (message->kind() != mcp::Message::Kind::notification || message->method() != kAcknowledged) return false;
    Source& source = sources_[member];
    const json::Value* honoured = message->param("notifications");
    source.honoured = honoured ? *honoured : json::Value(json::Object{});
    settled(source);
    return true;
  }

  void settled(Source& source) {
    if (std::exchange(source.has_settled, true) || waits_for_ == 0) return;
    if (--waits_for_ == 0) acknowledge();
  }

  // TR-71: the first message, with what is honoured by anybody. What the gateway itself can say about tools and prompts is honoured always.
  void acknowledge() {
    if (!std::exchange(acknowledges_, false)) return;
    waits_for_ = 0;
    const json::Value* wanted = own_->message->param("notifications");
    json::Value honoured = json::Object{};
    for (const char* name : kChanges) {
      const bool by_anybody = std::any_of(sources_.begin(), sources_.end(), [name](const auto& source) { return source.second.honoured && is_wanted(&*source.second.honoured, name); });
      const bool by_us = std::string_view(name) != "resourcesListChanged";
      if (is_wanted(wanted, name) && (by_us || by_anybody)) honoured.set(name, true);
    }
    json::Array uris;
    for (const auto& [member, source] : sources_) {
      const auto* own = source.honoured ? source.honoured->find_array("resourceSubscriptions") : nullptr;
      if (!own) continue;
      for (const json::Value& uri : *own) {
        if (uri.as_string()) uris.emplace_back(shown_uri(member, *uri.as_string()));
      }
    }
    if (!uris.empty()) honoured.set("resourceSubscriptions", std::move(uris));
    json::Value params = json::Object{};
    params.set("_meta", subscription_meta(*own_->own_id()));
    params.set("notifications", std::move(honoured));
    std::string first;
    append_data(json::Value{{"jsonrpc", "2.0"}, {"method", kAcknowledged}, {"params", std::move(params)}}, first);
    pending_.insert(0, first);
    wake();
  }

  // Two that say the same say it once, as long as nobody read the first.
  void add(const std::string& data) {
    mcp::Event event;
    event.data = data;
    event.has_data = true;
    std::string text;
    mcp::append_event(text, event);
    const bool is_change = data.find("list_changed") != std::string::npos && data.size() < 512;
    if (is_change && pending_.find(text) != std::string::npos) return;
    if (points_) event.id = points_->event_id(gateway_.dependencies().clock.now());
    mcp::append_event(pending_, event);
  }
  void append_owed_once() {
    std::string owed;
    append_owed(*own_, owed);
    if (!owed.empty() && pending_.find(owed) == std::string::npos) pending_ += owed;
  }

  Gateway& gateway_;
  Members& members_;
  const Handles& handles_;
  const std::shared_ptr<const Asking> asking_;
  const std::shared_ptr<Exchange> own_;
  Executor* const executor_;
  std::map<std::string, Source> sources_;
  std::optional<Points> points_;                          // absent: a subscription, which is not resumed
  std::string pending_;                                   // events for the client
  std::function<void(bool)> waiter_;
  std::vector<std::function<void(bool)>> room_waiters_;   // of sources, while too much is pending
  bool acknowledges_ = false;                             // not acknowledged yet: nothing may be said before
  std::size_t waits_for_ = 0;
  std::optional<StreamEnd> ended_;
};

MergedStream::MergedStream(Gateway& gateway, Members& members, const Handles& handles, std::shared_ptr<const Asking> asking, std::shared_ptr<Exchange> own,
                           std::vector<std::string> of, std::optional<Points> points)
    : merge_(std::make_shared<Merge>(gateway, members, handles, std::move(asking), own, std::move(of), std::move(points))) {
  own->body = this;   // whoever stops the exchange stops this
  merge_->start();
}

MergedStream::~MergedStream() {
  merge_->let_go();
  cancel();
}

Task<Result<std::string, StreamEnd>> MergedStream::next() { return merge_->next(); }

void MergedStream::cancel() { merge_->cancel(); }

}  // namespace writ::gateway::combined
