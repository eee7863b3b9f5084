// Which task `train` is about, and the flags that tasks besides language have.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "defaults.h"
#include "output.h"
#include "tasks/examples.h"

namespace sluice::tool {

struct TaskFlags {
  std::string task, label, column, direction, at;

  void add(CLI::App& app);
  // The task of the files: the one that was named, or that of a single file's kind, or language. Says which.
  Task find(const std::vector<std::string>& files, Talk& talk) const;
  // What the flags make of the network for a task on so many classes or notes.
  void apply(const Task& task, Config& config) const;
};

// The defaults of a task on so many sequences.
Defaults defaults_for(TaskKind kind, std::size_t sequences);

// Opens FILE arguments of tasks: files, gzipped ones, "-".
TextSource open_examples(const std::string& path);

// Accuracy, or the loss of frames of notes, as `train` and `eval` show it; with the baselines of the task where what
// was trained on is there.
struct TaskScore {
  std::vector<std::pair<std::string, std::string>> rows;  // as people read them
  Json json;
};
TaskScore score_of(const Task& task, const Model& model, const Examples& test, std::size_t threads);
void add_baselines(const Task& task, const Examples& training, const Examples& test, std::size_t threads,
                   TaskScore& score);
std::string score_page(const Style& style, const TaskScore& score);

}  // namespace sluice::tool
