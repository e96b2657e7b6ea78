// writ why CODE: the record behind a denial.

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "output.h"
#include "records.h"

namespace writ::cli::admin {
namespace {

void why(Context& context, const std::string& code) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/why/" + path_segment(code));
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  const json::Value& record = *answer->body.find("record");
  for (const auto& member : *record.as_object()) std::printf("%-18s %s\n", member.name.c_str(), text_of(record, member.name).c_str());
  if (const auto* chain = answer->body.find_array("chain"); chain && !chain->empty()) {
    std::printf("\nwhat belongs to it:\n");
    for (const auto& item : *chain) print_record(item);
  }
}

}  // namespace

void add_why(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("why", "explain a denial");
  const auto code = std::make_shared<std::string>();
  command->add_option("code", *code, "as in W-7K2F-9Q")->required();
  command->callback([&context, code] { why(context, *code); });
}

}  // namespace writ::cli::admin
