// Runs one program in a sandbox (src/adapters/process/sandbox.h). Started by writd alone, which hands it the plan; useless by hand.

#include "adapters/process/sandbox.h"

int main() { return writ::process::run_sandbox(); }
