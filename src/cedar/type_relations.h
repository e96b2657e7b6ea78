#pragma once

// How types relate in strict mode (reference, "Types, relations").

#include "cedar/type.h"

namespace writ::cedar {

// The same type, whichever pools made the two.
bool is_same_type(const Type& a, const Type& b);
// True and False are below Bool, also inside sets and records. Records need the same attributes, required or not in the same way.
bool is_subtype(const Type& a, const Type& b);
// The smallest type that both are below; null when there is none.
const Type* least_upper_bound(const Type* a, const Type* b, TypePool& pool);

}  // namespace writ::cedar
