#pragma once

// Which principals, actions and resources the scope of a policy lets through, by type.

#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"

namespace writ::cedar {

class ScopeTypes {
 public:
  ScopeTypes(const ast::Policy& policy, const Schema& schema);

  bool admits_principal(const EntityType& type) const { return principal_.admits(type); }
  bool admits_resource(const EntityType& type) const { return resource_.admits(type); }
  // Sorted by index.
  const std::vector<const Action*>& actions() const { return actions_; }
  // Whether some action of the scope takes some principal and some resource of it.
  bool has_applicable_action() const;

 private:
  class Admitted {
   public:
    Admitted(const ast::ScopeConstraint& constraint, const Schema& schema);
    bool admits(const EntityType& type) const;

   private:
    bool is_undeclared_ = false;         // a type that does not exist: nothing is of it
    const EntityType* exact_ = nullptr;  // only this type
    const EntityType* above_ = nullptr;  // only this type and those that can be below it
  };

  Admitted principal_;
  Admitted resource_;
  std::vector<const Action*> actions_;
};

}  // namespace writ::cedar
