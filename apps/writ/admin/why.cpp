// writ why CODE: which policies of then denied it, and the record behind it.

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "explanation_output.h"
#include "output.h"
#include "records.h"

namespace writ::cli::admin {
namespace {

void why(Context& context, const std::string& code) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/why/" + path_segment(code));
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  if (const json::Value* explanation = answer->body.find("explanation")) {
    std::printf("%s\n", text_of(*explanation, "sentence").c_str());
    if (explanation->find_array("legs")) {
      std::printf("\n");
      print_legs(*explanation);
    }
    print_ways(*explanation);
    std::printf("\nthe record:\n");
  }
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
