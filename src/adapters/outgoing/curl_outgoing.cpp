#include "adapters/outgoing/curl_outgoing.h"

#include <curl/curl.h>

#include <cassert>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "adapters/outgoing/transfer.h"

namespace writ::outgoing {
namespace {

using http::OutgoingFailure;
using http::OutgoingResponse;
using Kind = OutgoingFailure::Kind;

void set_curl_up_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  assert(code == CURLE_OK);
  (void)code;
}

void complete(std::shared_ptr<Transfer> transfer) {
  Executor& executor = *transfer->executor;
  executor.post([transfer = std::move(transfer)] { std::exchange(transfer->resume, nullptr)(true); });
}

}  // namespace

struct CurlOutgoing::State {
  explicit State(CurlOptions with) : options(std::move(with)) {
    set_curl_up_once();
    multi = curl_multi_init();
    assert(multi);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 64L);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 256L);
    thread = std::thread([this] { run(); });
  }

  ~State() {
    {
      const std::lock_guard lock(mutex);
      is_stopping = true;
    }
    curl_multi_wakeup(multi);
    thread.join();
    curl_multi_cleanup(multi);
  }

  void submit(std::shared_ptr<Transfer> transfer) {
    {
      const std::lock_guard lock(mutex);
      if (!is_stopping) {
        arrived.push_back(std::move(transfer));
        transfer = nullptr;
      }
    }
    if (transfer) {
      transfer->give_up("shutting down");
      return complete(std::move(transfer));
    }
    curl_multi_wakeup(multi);
  }

  void run() {
    while (take_arrived()) {
      int running = 0;
      curl_multi_perform(multi, &running);
      finish_completed();
      curl_multi_poll(multi, nullptr, 0, 1'000, nullptr);
    }
    for (auto& [handle, transfer] : under_way) {
      curl_multi_remove_handle(multi, handle);
      transfer->give_up("shutting down");
      complete(std::move(transfer));
    }
    under_way.clear();
  }

  // False when it is time to stop.
  bool take_arrived() {
    std::vector<std::shared_ptr<Transfer>> taken;
    bool stop = false;
    {
      const std::lock_guard lock(mutex);
      taken.swap(arrived);
      stop = is_stopping;
    }
    for (auto& transfer : taken) {
      if (!stop && curl_multi_add_handle(multi, transfer->handle()) == CURLM_OK) {
        CURL* handle = transfer->handle();
        under_way.emplace(handle, std::move(transfer));
        continue;
      }
      transfer->give_up(stop ? "shutting down" : "cannot start the transfer");
      complete(std::move(transfer));
    }
    return !stop;
  }

  void finish_completed() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* handle = message->easy_handle;
      const CURLcode code = message->data.result;   // read before the handle is removed: the message goes away with it
      const auto found = under_way.find(handle);
      curl_multi_remove_handle(multi, handle);
      if (found == under_way.end()) continue;
      std::shared_ptr<Transfer> transfer = std::move(found->second);
      under_way.erase(found);
      transfer->finish(code);
      complete(std::move(transfer));
    }
  }

  const CurlOptions options;
  CURLM* multi = nullptr;
  std::mutex mutex;
  std::vector<std::shared_ptr<Transfer>> arrived;
  bool is_stopping = false;
  std::unordered_map<CURL*, std::shared_ptr<Transfer>> under_way;   // the thread's own
  std::thread thread;
};

CurlOutgoing::CurlOutgoing(CurlOptions options) : state_(std::make_unique<State>(std::move(options))) {}
CurlOutgoing::~CurlOutgoing() = default;

Task<Result<OutgoingResponse, OutgoingFailure>> CurlOutgoing::fetch(http::OutgoingRequest request) {
  if (auto refused = check_request(request, state_->options)) co_return unexpected(std::move(*refused));
  const auto transfer = std::make_shared<Transfer>(std::move(request), state_->options);
  if (!transfer->is_ready()) co_return unexpected(OutgoingFailure{Kind::broken, "cannot set the transfer up"});
  transfer->executor = Executor::current();
  if (!transfer->executor) co_return unexpected(OutgoingFailure{Kind::broken, "not called on an executor"});
  State* const state = state_.get();
  auto wait = suspend_until<bool>([transfer, state](std::function<void(bool)> resume) {
    transfer->resume = std::move(resume);
    state->submit(transfer);
  });
  co_await wait;
  co_return transfer->take_outcome();
}

}  // namespace writ::outgoing
