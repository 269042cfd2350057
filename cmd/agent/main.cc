// mk8s-agent: parse, build, run, exit code.  Started by itself with one word, it becomes the
// sandbox of a command (sandbox/enter.h).
#include <CLI/CLI.hpp>
#include <iostream>

#include "agent/run.h"
#include "base/error_mapping.h"
#include "sandbox/enter.h"

int main(int argc, char** argv) {
  using namespace mk8s;
  if (argc == 2 && argv[1] == sandbox::kSubCommand) return sandbox::Enter();
  std::string file, ready_file;
  CLI::App app("Connects a Kubernetes cluster to mk8s-central.");
  app.add_option("--config", file, "Settings in YAML; without it the environment alone is used");
  app.add_option("--ready-file", ready_file, "Write one line of JSON there once connected");
  app.set_version_flag("--version", "mk8s-agent " MK8S_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto config = config::LoadAgentConfig(file, config::ProcessEnvironment());
  if (!config) {
    std::cerr << "mk8s-agent: " << config.error().message << "\n";
    return 2;
  }
  const Result<void> run = agent::Run(*config, ready_file);
  if (run) return 0;
  std::cerr << "mk8s-agent: " << run.error().message << "\n";
  return ExitCode(run.error().code);
}
