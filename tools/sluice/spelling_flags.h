// Flags of the layer that spells the words of a tagger.
#pragma once

#include "options.h"
#include "tasks/task.h"

namespace sluice::tool {

struct SpellingFlags {
  FieldFlags fields;

  void add(CLI::App& app, const SpellingConfig& shown);
  // Throws Error (usage) for a flag of it where the task is another.
  void check(TaskKind kind) const;
  // Lays what was given over defaults.
  void apply(SpellingConfig& spelling) const;
};

}  // namespace sluice::tool
