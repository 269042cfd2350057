// mk8s-central: see src/central/commands.h.
#include "central/commands.h"

int main(int argc, char** argv) { return mk8s::central::RunCommandLine(argc, argv); }
