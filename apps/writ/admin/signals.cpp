// writ signals: who gets security events from here, and whose are asked for.

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

void list(Context& context) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/signals");
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  Table streams({"stream", "receiver", "delivery", "status", "waiting", "last problem"});
  for (const auto& stream : *answer->body.find_array("streams")) {
    streams.add({text_of(stream, "id"), text_of(stream, "audience"), text_of(stream, "delivery"), text_of(stream, "status"), text_of(stream, "waiting"), text_of(stream, "last_problem")});
  }
  Table subscriptions({"events of", "delivery", "stream there", "last problem"});
  for (const auto& subscription : *answer->body.find_array("subscriptions")) {
    subscriptions.add({text_of(subscription, "issuer"), text_of(subscription, "delivery"), text_of(subscription, "stream_id"), text_of(subscription, "last_problem")});
  }
  if (streams.empty() && subscriptions.empty()) std::printf("nobody receives security events from here, and none are asked for\n");
  if (!streams.empty()) streams.print();
  if (!subscriptions.empty()) subscriptions.print();
}

void set_status(Context& context, const std::string& stream, const char* status, const std::string& reason) {
  const AdminClient client(context);
  json::Value body{{"status", status}};
  if (!reason.empty()) body.set("reason", reason);
  const auto answer = client.ask(context, "POST", "/admin/v1/signals/" + path_segment(stream), body);
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("%s is %s\n", safe(stream).c_str(), status);
}

void remove(Context& context, const std::string& stream) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "DELETE", "/admin/v1/signals/" + path_segment(stream));
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("%s is gone\n", safe(stream).c_str());
}

}  // namespace

void add_signals(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("signals", "security events, to and from other companies' servers");
  command->require_subcommand(1);
  command->add_subcommand("list", "streams of receivers, and our own at others")->callback([&context] { list(context); });
  const struct {
    const char *word, *what, *status;
  } words[] = {{"enable", "send to this receiver again", "enabled"},
               {"pause", "hold events back; the receiver cannot undo it", "paused"},
               {"disable", "send nothing more, and forget what waits; the receiver cannot undo it", "disabled"}};
  for (const auto& word : words) {
    CLI::App* change = command->add_subcommand(word.word, word.what);
    const auto stream = std::make_shared<std::string>(), reason = std::make_shared<std::string>();
    change->add_option("stream", *stream, "id of the stream")->required();
    change->add_option("--reason", *reason, "for the record, and told to the receiver");
    change->callback([&context, stream, reason, status = word.status] { set_status(context, *stream, status, *reason); });
  }
  CLI::App* remove_command = command->add_subcommand("remove", "forget a stream");
  const auto stream = std::make_shared<std::string>();
  remove_command->add_option("stream", *stream, "id of the stream")->required();
  remove_command->callback([&context, stream] { remove(context, *stream); });
}

}  // namespace writ::cli::admin
