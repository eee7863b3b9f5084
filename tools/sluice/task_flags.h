// Which task `train` is about, and the flags that tasks besides language have.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "output.h"
#include "tasks/examples.h"
#include "text_sources.h"

namespace sluice::tool {

struct TaskFlags {
  std::string task, label, column, direction, at;

  void add(CLI::App& app);
  // The task of the files: the one that was named, or that of a single file's kind, or language. Says which.
  Task find(const std::vector<std::string>& files, TextFiles& material, Console& console) const;
  // Throws Error (usage) for a flag of another kind of task.
  void check(TaskKind kind) const;
  // What the flags make of the network for a task, which has the task's defaults.
  void apply(const Task& task, Config& config) const;
};

}  // namespace sluice::tool
