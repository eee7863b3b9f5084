#include "task_score.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fields.h"
#include "data/baselines.h"
#include "terminal.h"

namespace sluice::tool {

namespace {

// The baselines of a task, each beside the model.
class Baselines {
 public:
  Baselines(const Task& task, const SequenceEvaluation& of_model, TaskScore& score)
      : loss_(task.kind == TaskKind::music), model_(loss_ ? of_model.loss : of_model.accuracy), score_(score) {
    score_.json["baselines"] = Json::object();
    score_.json["loses_to"] = Json::array();
  }

  void add(const char* key, const std::string& name, double value) {
    score_.json["baselines"][key] = value;
    score_.rows.emplace_back(name, fmt::format("{:.4f}", value));
    if (loss_ ? value >= model_ : value <= model_) return;
    score_.json["loses_to"].push_back(key);
    lost_ += (lost_.empty() ? "the model loses to: " : ", ") + name;
  }
  void missing(const std::string& name, const std::string& why) {
    score_.lines.push_back(fmt::format("no {}: {}", name, why));
  }
  void end() {
    if (!lost_.empty()) score_.lines.push_back(lost_);
  }

 private:
  bool loss_;
  double model_;
  TaskScore& score_;
  std::string lost_;
};

constexpr const char* kNotThere = "it needs the file that was trained on (--training FILE)";

void add_marginals(const Task& task, const Examples& test, Baselines& all) {
  if (task.counted == 0) return all.missing("marginals", kNotThere);
  all.add("marginals", "marginals", marginal_loss(task.frequencies, task.counted, test.sequences));
}

void add_naive_bayes(const Model& model, const Examples* training, const Examples& test, Baselines& all) {
  constexpr std::size_t kMostNGrams = 10'000'000;
  const bool characters = model.vocabulary().text().level == Level::character;
  const std::size_t order = characters ? 5 : 2;
  const std::string name = fmt::format("naive Bayes ({} {}-grams)", characters ? "character" : "word", order);
  if (training == nullptr) return all.missing(name, kNotThere);
  if (naive_bayes_ngrams(training->sequences, order) > kMostNGrams) {
    return all.missing(name, "the file that was trained on has too many");
  }
  all.add("naive_bayes", name,
          accuracy(naive_bayes(training->sequences, test.sequences, order), test.sequences.labels));
}

void add_nearest_neighbour(const Examples* training, const Examples& test, std::size_t threads, Baselines& all) {
  constexpr double kMostWork = 2e9;  // some seconds
  if (training == nullptr) return all.missing("nearest neighbour", kNotThere);
  const Distance distance = fitting_distance(training->sequences, test.sequences);
  if (nearest_neighbour_work(training->sequences, test.sequences, distance) > kMostWork) {
    return all.missing("nearest neighbour", "it would take too long");
  }
  all.add("nearest_neighbour", distance == Distance::euclidean ? "nearest neighbour" : "nearest neighbour (DTW)",
          accuracy(nearest_neighbour(training->sequences, test.sequences, distance, threads), test.sequences.labels));
}

// The class or tag that training had most often.
void add_majority(const Task& task, const Examples& test, Baselines& all) {
  const std::string name = task.kind == TaskKind::tag ? "most frequent tag" : "majority class";
  if (task.counted == 0) return all.missing(name, kNotThere);
  const std::vector<std::uint32_t>& labels = test.sequences.labels;
  const auto most = static_cast<std::uint32_t>(std::ranges::max_element(task.frequencies) - task.frequencies.begin());
  all.add("majority", name, accuracy(std::vector<std::uint32_t>(labels.size(), most), labels));
}

}  // namespace

TaskScore score_of(const Task& task, const Model& model, const Examples& test, const Examples* training,
                   std::size_t threads) {
  TaskScore score;
  const SequenceEvaluation e = sluice::evaluate(model, test.sequences, 32, threads);
  const auto row = [&](const char* name, const std::string& value) { score.rows.emplace_back(name, value); };
  row(task.kind == TaskKind::classify ? "sequences"
      : task.kind == TaskKind::tag    ? "words"
                                      : "frames",
      std::to_string(e.rows));
  score.json = {{"task", field_text(task.kind)}, {"rows", e.rows}, {"loss", e.loss}};
  const bool music = task.kind == TaskKind::music;
  if (!music) {
    row("accuracy", fmt::format("{:.4f}", e.accuracy));
    score.json["accuracy"] = e.accuracy;
  }
  row(music ? "nats per frame" : "nats", fmt::format("{:.4f}", e.loss));
  Baselines all(task, e, score);
  Task counted = task;
  if (training != nullptr) count_frequencies(*training, counted);
  if (music) {
    add_marginals(counted, test, all);
  } else {
    add_majority(counted, test, all);
  }
  if (task.kind == TaskKind::tag) {
    const std::string name = "most frequent tag of each word";
    if (training == nullptr) {
      all.missing(name, kNotThere);
    } else {
      all.add("most_frequent_tag", name, accuracy(most_frequent_tags(training->tagged, test.tagged), test.tagged.tags));
    }
  }
  if (task.kind == TaskKind::classify && test.sequences.inputs == 0) add_naive_bayes(model, training, test, all);
  if (task.kind == TaskKind::classify && test.sequences.inputs > 0) add_nearest_neighbour(training, test, threads, all);
  all.end();
  return score;
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
  for (const std::string& line : score.lines) page += line + '\n';
  return page;
}

}  // namespace sluice::tool
