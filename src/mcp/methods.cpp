#include "mcp/methods.h"

#include <algorithm>

namespace writ::mcp {
namespace {

constexpr bool kNotification = true;
constexpr bool kLegacy = true, kModern = true, kNo = false;

constexpr Method kMethods[] = {
    // name                                need                 notification   legacy   modern
    {"initialize",                         Need::connect,       kNo,           kLegacy, kNo,     List::instructions},
    {"ping",                               Need::connect,       kNo,           kLegacy, kNo},
    {"logging/setLevel",                   Need::connect,       kNo,           kLegacy, kNo},
    {"server/discover",                    Need::connect,       kNo,           kNo,     kModern, List::instructions},
    {"tools/list",                         Need::connect,       kNo,           kLegacy, kModern, List::tools},
    {"prompts/list",                       Need::connect,       kNo,           kLegacy, kModern, List::prompts},
    {"resources/list",                     Need::connect,       kNo,           kLegacy, kModern, List::resources},
    {"resources/templates/list",           Need::connect,       kNo,           kLegacy, kModern, List::resource_templates},
    {"tools/call",                         Need::call,          kNo,           kLegacy, kModern, List::none, "name"},
    {"resources/read",                     Need::read_resource, kNo,           kLegacy, kModern, List::none, "uri"},
    {"resources/subscribe",                Need::subscribe,     kNo,           kLegacy, kNo,     List::none, "uri"},
    {"resources/unsubscribe",              Need::connect,       kNo,           kLegacy, kNo,     List::none, "uri"},
    {"prompts/get",                        Need::get_prompt,    kNo,           kLegacy, kModern, List::none, "name"},
    {"completion/complete",                Need::complete,      kNo,           kLegacy, kModern, List::none, "ref"},
    {"subscriptions/listen",               Need::subscribe,     kNo,           kNo,     kModern, List::none, "notifications", true},
    {"tasks/get",                          Need::task,          kNo,           kLegacy, kModern, List::none, "taskId"},
    {"tasks/cancel",                       Need::task,          kNo,           kLegacy, kModern, List::none, "taskId"},
    {"tasks/result",                       Need::task,          kNo,           kLegacy, kNo,     List::none, "taskId"},
    {"tasks/update",                       Need::task,          kNo,           kNo,     kModern, List::none, "taskId"},
    {"tasks/list",                         Need::connect,       kNo,           kLegacy, kNo,     List::tasks},
    {"notifications/initialized",          Need::connect,       kNotification, kLegacy, kNo},
    {"notifications/cancelled",            Need::connect,       kNotification, kLegacy, kModern},
    {"notifications/progress",             Need::connect,       kNotification, kLegacy, kNo},
    {"notifications/roots/list_changed",   Need::connect,       kNotification, kLegacy, kNo},
    {"notifications/elicitation/complete", Need::connect,       kNotification, kLegacy, kNo},
    {"notifications/tasks/status",         Need::connect,       kNotification, kLegacy, kNo},   // of tasks that the server gave the client
};

constexpr ListShape kShapes[] = {
    {List::tools, "tools", "name"},
    {List::prompts, "prompts", "name"},
    {List::resources, "resources", "uri"},
    {List::resource_templates, "resourceTemplates", "uriTemplate"},
    {List::tasks, "tasks", "taskId"},
};

}  // namespace

std::string_view to_string(Era era) { return era == Era::modern ? "modern" : "legacy"; }

const ListShape* shape_of(List list) {
  const auto* found = std::find_if(std::begin(kShapes), std::end(kShapes), [list](const ListShape& shape) { return shape.list == list; });
  return found == std::end(kShapes) ? nullptr : found;
}

const Method* find_method(std::string_view name, bool is_notification) {
  const auto* found = std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& method) {
    return method.name == name && method.is_notification == is_notification;
  });
  return found == std::end(kMethods) ? nullptr : found;
}

}  // namespace writ::mcp
