#include "cedar/evaluate.h"
#include "cedar/extension.h"

// Functions and methods of the extension types (language reference §6).

namespace writ::cedar {

using ast::Function;
using Kind = Value::Kind;
using Reason = EvaluationError::Reason;

namespace {

struct Signature {
  Kind receiver;
  std::optional<Kind> argument;   // a method with one, else none
};

Signature signature_of(Function function) {
  switch (function) {
    case Function::decimal:
    case Function::ip:
    case Function::datetime:
    case Function::duration: return {Kind::string, std::nullopt};
    case Function::less_than:
    case Function::less_than_or_equal:
    case Function::greater_than:
    case Function::greater_than_or_equal: return {Kind::decimal, Kind::decimal};
    case Function::is_ipv4:
    case Function::is_ipv6:
    case Function::is_loopback:
    case Function::is_multicast: return {Kind::ip, std::nullopt};
    case Function::is_in_range: return {Kind::ip, Kind::ip};
    case Function::offset: return {Kind::datetime, Kind::duration};
    case Function::duration_since: return {Kind::datetime, Kind::datetime};
    case Function::to_date:
    case Function::to_time: return {Kind::datetime, std::nullopt};
    case Function::to_milliseconds:
    case Function::to_seconds:
    case Function::to_minutes:
    case Function::to_hours:
    case Function::to_days: break;
  }
  return {Kind::duration, std::nullopt};
}

Unexpected<EvaluationError> wrong_type(const ast::Expression* at, const Value& found, Kind expected) {
  return unexpected(EvaluationError{.reason = Reason::wrong_type, .found = found.kind(), .expected = describe(expected).data(), .at = at});
}

// The texts of literals are far and few between; the error names them.
Evaluated construct(Function function, const Value& argument, const ast::Expression& at, Arena& arena) {
  const std::string_view text = argument.as_string();
  const auto malformed = [&] { return unexpected(EvaluationError{.reason = Reason::malformed_text, .at = &at, .name = text}); };
  if (function == Function::ip) {
    const auto address = parse_ip(text);
    if (!address) return malformed();
    return Value::ip(arena, *address);
  }
  const auto count = function == Function::decimal ? parse_decimal(text) : function == Function::datetime ? parse_datetime(text) : parse_duration(text);
  if (!count) return malformed();
  if (function == Function::decimal) return Value::decimal(*count);
  return function == Function::datetime ? Value::datetime(*count) : Value::duration(*count);
}

Evaluated checked(bool overflows, Value value, const ast::Expression& at) {
  if (overflows) return unexpected(EvaluationError{.reason = Reason::overflow, .at = &at});
  return value;
}

}  // namespace

Evaluated apply_call(const ast::Call& node, std::span<const Value> arguments, const ast::Expression& at, Arena& arena) {
  const Signature signature = signature_of(node.function);
  if (arguments.size() != (signature.argument ? 2 : 1)) return unexpected(EvaluationError{.reason = Reason::wrong_argument_count, .at = &at});
  if (!arguments[0].is(signature.receiver)) return wrong_type(node.arguments[0], arguments[0], signature.receiver);
  if (signature.argument && !arguments[1].is(*signature.argument)) return wrong_type(node.arguments[1], arguments[1], *signature.argument);

  constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
  const Value& receiver = arguments[0];
  std::int64_t result = 0;
  switch (node.function) {
    case Function::decimal:
    case Function::ip:
    case Function::datetime:
    case Function::duration: return construct(node.function, receiver, at, arena);
    case Function::less_than: return Value::boolean(receiver.count() < arguments[1].count());
    case Function::less_than_or_equal: return Value::boolean(receiver.count() <= arguments[1].count());
    case Function::greater_than: return Value::boolean(receiver.count() > arguments[1].count());
    case Function::greater_than_or_equal: return Value::boolean(receiver.count() >= arguments[1].count());
    case Function::is_ipv4: return Value::boolean(!receiver.as_ip().is_v6);
    case Function::is_ipv6: return Value::boolean(receiver.as_ip().is_v6);
    case Function::is_loopback: return Value::boolean(receiver.as_ip().is_loopback());
    case Function::is_multicast: return Value::boolean(receiver.as_ip().is_multicast());
    case Function::is_in_range: return Value::boolean(receiver.as_ip().is_in_range(arguments[1].as_ip()));
    case Function::offset: {
      const bool overflows = __builtin_add_overflow(receiver.count(), arguments[1].count(), &result);
      return checked(overflows, Value::datetime(result), at);
    }
    case Function::duration_since: {
      const bool overflows = __builtin_sub_overflow(receiver.count(), arguments[1].count(), &result);
      return checked(overflows, Value::duration(result), at);
    }
    case Function::to_date: {
      const auto midnight = midnight_of(receiver.count());
      return checked(!midnight, Value::datetime(midnight.value_or(0)), at);
    }
    case Function::to_time: return Value::duration(since_midnight(receiver.count()));
    case Function::to_milliseconds: return Value::integer(receiver.count());
    case Function::to_seconds: return Value::integer(receiver.count() / kSecond);
    case Function::to_minutes: return Value::integer(receiver.count() / kMinute);
    case Function::to_hours: return Value::integer(receiver.count() / kHour);
    case Function::to_days: break;
  }
  return Value::integer(receiver.count() / kDay);
}

}  // namespace writ::cedar
