#include "audit_trail.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "adapters/log/verify.h"
#include "admin_client.h"
#include "audit/record.h"
#include "audit_export/ocsf.h"
#include "encoding/form.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

void fail(Context& context, int exit_code, const std::string& sentence) {
  std::fprintf(stderr, "writ: %s\n", sentence.c_str());
  context.exit_code = exit_code;
}

std::optional<std::string> text_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

// ---- verify

struct VerifyArguments {
  std::string directory, file, keys;
};

json::Value to_json(const log::Verification& verified) {
  json::Array findings, notes;
  for (const auto& finding : verified.findings) findings.push_back(json::Value{{"position", finding.position}, {"finding", finding.sentence}});
  for (const auto& note : verified.notes) notes.push_back(note);
  return json::Value{{"whole", verified.good()}, {"log", verified.log}, {"node", verified.node}, {"records", verified.records}, {"first_position", verified.first_position},
                     {"last_position", verified.last_position}, {"checkpoints", verified.checkpoints}, {"signed_to", verified.signed_to},
                     {"signed_at", verified.signed_at_ms == 0 ? json::Value(nullptr) : json::Value(audit::to_iso8601(Instant{Milliseconds{verified.signed_at_ms}}))},
                     {"findings", std::move(findings)}, {"notes", std::move(notes)}};
}

void verify(Context& context, const VerifyArguments& arguments) {
  if (arguments.directory.empty() == arguments.file.empty()) return fail(context, kUsage, "say what to verify: --dir with a node's `audit` folder, or an exported file");
  std::optional<jose::KeySet> keys;
  if (!arguments.keys.empty()) {
    const auto text = text_of_file(arguments.keys);
    keys = text ? jose::KeySet::parse(*text) : std::nullopt;
    if (!keys) return fail(context, kUsage, "`" + arguments.keys + "` is no JWK set: it should hold the audit keys that you trust");
  }
  Result<log::Verification, std::string> verified = unexpected(std::string());
  if (!arguments.directory.empty()) {
    verified = log::verify_directory(*log::system_files(), arguments.directory, keys);
  } else {
    const auto text = text_of_file(arguments.file);
    if (!text) return fail(context, kFailed, "cannot read `" + arguments.file + "`");
    verified = log::verify_export(*text, keys);
  }
  if (!verified) return fail(context, kFailed, verified.error());
  if (!verified->good()) context.exit_code = kFailed;
  if (context.json) return print_json(to_json(*verified));
  for (const auto& finding : verified->findings) std::printf("%s\n", safe(finding.sentence).c_str());
  for (const auto& note : verified->notes) std::printf("note: %s\n", safe(note).c_str());
  if (!keys) std::printf("note: checked with the keys that stand beside the records; give --keys to know who signed\n");
  std::printf("%s: %llu records up to position %llu, %llu checkpoints, signed up to position %llu\n", verified->good() ? "whole" : "NOT WHOLE",
              static_cast<unsigned long long>(verified->records), static_cast<unsigned long long>(verified->last_position),
              static_cast<unsigned long long>(verified->checkpoints), static_cast<unsigned long long>(verified->signed_to));
}

// ---- export

struct ExportArguments {
  std::string format = "ocsf", directory;
  std::uint64_t after = 0;
  bool follow = false;
};

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

// From the running server, oldest first, page after page; resumes behind any position.
void export_from_server(Context& context, const ExportArguments& arguments) {
  const AdminClient client(context);
  std::uint64_t after = arguments.after;
  const auto page = [&](const form::Parameters& parameters) -> std::optional<json::Array> {
    const auto answer = client.ask(context, "GET", "/admin/v1/audit?" + form::write(parameters.pairs()));
    if (!answer) return std::nullopt;
    return *answer->body.find_array("items");
  };
  const auto print = [&](const json::Array& items) {
    for (const auto& item : items) {
      print_line(json::write(arguments.format == "ocsf" ? audit_export::to_ocsf(item) : item));
      if (const auto* position = item.find_int("position")) after = std::max(after, static_cast<std::uint64_t>(*position));
    }
    std::fflush(stdout);
  };
  if (after == 0) {   // `after=0` would mean the newest: the first record is asked for by itself
    const auto first = page(form::Parameters({{"before", "2"}, {"limit", "1"}}));
    if (!first) return;
    print(*first);
    after = 1;
  }
  while (true) {
    const auto items = page(form::Parameters({{"after", std::to_string(after)}, {"limit", "1000"}, {"wait", arguments.follow ? "20" : "0"}}));
    if (!items) return;
    print(*items);
    if (items->empty() && !arguments.follow) return;
    if (items->empty()) ::usleep(200'000);
  }
}

void export_from_folder(Context& context, const ExportArguments& arguments) {
  const auto files = log::system_files();
  const bool chain = arguments.format == "chain";
  const auto done = log::export_chain(*files, arguments.directory, arguments.after, [&](std::string_view line) {
    if (chain) return print_line(line);
    constexpr std::string_view kRecord = "{\"record\":", kLink = ",\"link\":\"";
    if (!line.starts_with(kRecord)) return;
    const std::string_view record = line.substr(kRecord.size(), line.rfind(kLink) - kRecord.size());
    if (arguments.format == "records") return print_line(record);
    if (const auto parsed = json::parse(record)) print_line(json::write(audit_export::to_ocsf(*parsed)));
  });
  if (!done) fail(context, kFailed, done.error());
}

void export_trail(Context& context, const ExportArguments& arguments) {
  if (!arguments.directory.empty() && arguments.follow) return fail(context, kUsage, "--follow asks the running server: leave --dir out");
  if (!arguments.directory.empty()) return export_from_folder(context, arguments);
  if (arguments.format == "chain") return fail(context, kUsage, "--format chain reads a node's files: name its `audit` folder with --dir");
  export_from_server(context, arguments);
}

}  // namespace

void add_audit_trail(CLI::App& audit, Context& context) {
  const auto verify_arguments = std::make_shared<VerifyArguments>();
  CLI::App* word = audit.add_subcommand("verify", "check chain, signatures and gaps; names what was changed (exit 1)");
  word->add_option("file", verify_arguments->file, "a file made with `writ audit export --format chain`");
  word->add_option("--dir", verify_arguments->directory, "the `audit` folder of a node's data directory; a server may be writing it");
  word->add_option("--keys", verify_arguments->keys, "JWK set with the audit keys that you trust; else those beside the records");
  word->callback([&context, verify_arguments] { verify(context, *verify_arguments); });

  const auto arguments = std::make_shared<ExportArguments>();
  word = audit.add_subcommand("export", "records as JSON Lines, oldest first, from any position");
  word->add_option("--format", arguments->format, "ocsf, records, or chain: what `verify` and script/verify-audit check")->check(CLI::IsMember({"ocsf", "records", "chain"}))->capture_default_str();
  word->add_option("--after", arguments->after, "begin behind this position: the last one that you have (metadata.sequence)");
  word->add_flag("--follow", arguments->follow, "go on with new records as they come");
  word->add_option("--dir", arguments->directory, "read a node's `audit` folder instead of asking the server");
  word->callback([&context, arguments] { export_trail(context, *arguments); });
}

}  // namespace writ::cli::admin
