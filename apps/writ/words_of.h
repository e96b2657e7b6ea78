#pragma once

#include "word.h"

namespace CLI {
class App;
}

namespace writ::cli {

// The words and options that were declared, as help shows them: what help hides is left out.
Word words_of(const CLI::App& app);

}  // namespace writ::cli
