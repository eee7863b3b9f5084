// How good a model is at its task, beside what needs no network.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "confusion.h"
#include "output.h"
#include "tasks/examples.h"

namespace sluice::tool {

// Accuracy, or the loss of frames of notes, as `train` and `eval` show it; with the baselines of the task where what
// was trained on is there.
struct TaskScore {
  std::vector<std::pair<std::string, std::string>> rows;  // as people read them
  Json json;
};
TaskScore score_of(const Task& task, const Model& model, const Examples& test, std::size_t threads);
void add_baselines(const Task& task, const Model& model, const Examples& training, const Examples& test,
                   std::size_t threads, TaskScore& score);
// Which class was taken for which. `test` has its classes.
ConfusionMatrix confusions_of(const Task& task, const Model& model, const Examples& test, std::size_t threads);
// The likeliest class of each row of predictions.
std::vector<std::uint32_t> likeliest_classes(const Task& task, std::span<const float> predictions);
std::string score_page(const Style& style, const TaskScore& score);

}  // namespace sluice::tool
