#pragma once

// `writ completion bash|zsh|fish`: scripts for shells, made from the words that help shows.

#include <string>

#include "word.h"

namespace writ::cli {

enum class Shell { bash, zsh, fish };

// The script as it is sourced by that shell. It runs nothing by itself: what it knows was written into it.
std::string completion_script(const Word& program, Shell shell);

}  // namespace writ::cli
