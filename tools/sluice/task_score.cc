#include "task_score.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fields.h"
#include "data/baselines.h"
#include "terminal.h"

namespace sluice::tool {

TaskScore score_of(const Task& task, const Model& model, const Examples& test, std::size_t threads) {
  TaskScore score;
  const SequenceEvaluation e = sluice::evaluate(model, test.sequences, 32, threads);
  const auto row = [&](const char* name, const std::string& value) { score.rows.emplace_back(name, value); };
  row(task.kind == TaskKind::classify ? "sequences"
      : task.kind == TaskKind::tag    ? "words"
                                      : "frames",
      std::to_string(e.rows));
  score.json = {{"task", field_text(task.kind)}, {"rows", e.rows}, {"loss", e.loss}};
  if (task.kind == TaskKind::music) {
    row("nats per frame", fmt::format("{:.4f}", e.loss));
    return score;
  }
  row("accuracy", fmt::format("{:.4f}", e.accuracy));
  row("nats", fmt::format("{:.4f}", e.loss));
  score.json["accuracy"] = e.accuracy;
  return score;
}

void add_baselines(const Task& task, const Model& model, const Examples& training, const Examples& test,
                   std::size_t threads, TaskScore& score) {
  Json& json = score.json["baselines"];
  json = Json::object();
  const auto add = [&](const char* key, const std::string& name, double value) {
    json[key] = value;
    score.rows.emplace_back(name, fmt::format("{:.4f}", value));
  };
  if (task.kind == TaskKind::music) {
    return add("marginals", "marginals", marginal_loss(training.sequences, test.sequences));
  }
  if (task.kind == TaskKind::tag) {
    return add("most_frequent_tag", "most frequent tag of a word",
               accuracy(most_frequent_tags(training.tagged, test.tagged), test.tagged.tags));
  }
  const std::uint32_t majority = majority_class(training.sequences.labels, training.classes.size());
  add("majority", "majority class",
      accuracy(std::vector<std::uint32_t>(test.sequences.labels.size(), majority), test.sequences.labels));
  if (test.sequences.inputs == 0) {
    constexpr std::size_t kMostNGrams = 10'000'000;
    const bool characters = model.vocabulary().text().level == Level::character;
    const std::size_t order = characters ? 5 : 2;
    if (naive_bayes_ngrams(training.sequences, order) > kMostNGrams) return;
    add("naive_bayes", fmt::format("naive Bayes ({} {}-grams)", characters ? "character" : "word", order),
        accuracy(naive_bayes(training.sequences, test.sequences, order), test.sequences.labels));
    return;
  }
  constexpr double kMostWork = 2e9;  // some seconds
  const Distance distance = fitting_distance(training.sequences, test.sequences);
  if (nearest_neighbour_work(training.sequences, test.sequences, distance) > kMostWork) return;
  add("nearest_neighbour", distance == Distance::euclidean ? "nearest neighbour" : "nearest neighbour (DTW)",
      accuracy(nearest_neighbour(training.sequences, test.sequences, distance, threads), test.sequences.labels));
}

std::vector<std::uint32_t> likeliest_classes(const Task& task, std::span<const float> predictions) {
  const std::size_t width = task.classes.size();
  std::vector<std::uint32_t> classes;
  for (; !predictions.empty(); predictions = predictions.subspan(width)) {
    const auto row = predictions.first(width);
    classes.push_back(static_cast<std::uint32_t>(std::ranges::max_element(row) - row.begin()));
  }
  return classes;
}

ConfusionMatrix confusions_of(const Task& task, const Model& model, const Examples& test, std::size_t threads) {
  return confusion_matrix(task.classes, test.sequences.labels,
                          likeliest_classes(task, predict(model, test.sequences, 32, threads)));
}

std::string score_page(const Style& style, const TaskScore& score) {
  std::string page;
  std::size_t width = 0;
  for (const auto& [name, value] : score.rows) width = std::max(width, name.size());
  for (const auto& [name, value] : score.rows) {
    page += fmt::format("{}  {}\n", pad_right(name, width), style.bold(value));
  }
  return page;
}

}  // namespace sluice::tool
