#include "cedar/parser.h"
#include "cedar/policy_json.h"
#include "cedar/policy_set.h"
#include "cedar/print.h"
#include "cedar/validation.h"
#include "cedar_expect.h"

namespace writ::cedar {
namespace {

bool is_same(const ast::Policies& a, const ast::Policies& b) {
  if (a.policies.size() != b.policies.size()) return false;
  for (std::size_t i = 0; i < a.policies.size(); ++i) {
    const ast::Policy& x = a.policies[i];
    const ast::Policy& y = b.policies[i];
    if (x.clauses.size() != y.clauses.size() || print(x) != print(y)) return false;
    for (std::size_t k = 0; k < x.clauses.size(); ++k)
      if (x.clauses[k].kind != y.clauses[k].kind || !ast::is_same(*x.clauses[k].body, *y.clauses[k].body)) return false;
  }
  return true;
}

void try_policies(std::string_view bytes) {
  const auto policies = parse_policies(std::string(bytes));
  if (!policies) return check_message(policies.error());
  const std::string printed = print(*policies);
  const auto again = parse_policies(printed);
  EXPECT(again.has_value());
  EXPECT(is_same(*policies, *again));
  for (const ast::Policy& policy : policies->policies) {
    const auto from_json = read_policy(to_json(policy));
    EXPECT(from_json.has_value());
    EXPECT(is_same({policies->source, {policy}}, *from_json));
  }
  const PolicySet set = PolicySet::compile(*policies);
  validate(schema_of_everything(), *policies);
  decide(set, Entities());
}

}  // namespace
}  // namespace writ::cedar

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  writ::cedar::try_policies({reinterpret_cast<const char*>(data), size});
  return 0;
}
