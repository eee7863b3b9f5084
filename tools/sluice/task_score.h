// How good a model is at its task, beside what needs no network.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "confusion.h"
#include "output.h"
#include "tasks/examples.h"

namespace sluice::tool {

// Accuracy, or the loss of frames of notes, and what the baselines of the task reach.
struct TaskScore {
  std::vector<std::pair<std::string, std::string>> rows = {};  // as people read them
  std::vector<std::string> lines = {};                         // below them
  Json json = {};
};
// `training`: what was trained on, where it is there. Without it, only those baselines are measured for which the
// model's file has what they need.
TaskScore score_of(const Task& task, const Model& model, const Examples& test, const Examples* training,
                   std::size_t threads);
// Which class was taken for which. `test` has its classes.
ConfusionMatrix confusions_of(const Task& task, const Model& model, const Examples& test, std::size_t threads);
// The likeliest class of each row of predictions.
std::vector<std::uint32_t> likeliest_classes(const Task& task, std::span<const float> predictions);
std::string score_page(const Style& style, const TaskScore& score);

}  // namespace sluice::tool
