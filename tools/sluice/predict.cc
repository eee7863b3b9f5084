// sluice predict MODEL FILE
#include <fmt/format.h>

#include <memory>

#include "needs.h"
#include "options.h"
#include "output.h"
#include "task_forecast.h"
#include "task_score.h"
#include "text_sources.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Predict {
  std::string model, file;
  ForecastFiles forecast;
  Precision precision = Precision::f32;
  std::uint64_t threads = 0;
  bool labelled = false;
  ResultFlags result;

  int run() const;
  void print_classes(const Task& task, const std::vector<float>& y) const;
};

// A row a sequence, in the order of the file: its class and the probability of each.
void Predict::print_classes(const Task& task, const std::vector<float>& y) const {
  const std::size_t width = task.classes.size();
  const std::vector<std::uint32_t> likeliest = likeliest_classes(task, y);
  if (!result.json) {
    std::string header = "class";
    for (const std::string& name : task.classes) header += '\t' + one_line(name);
    print(header + '\n');
  }
  for (std::size_t s = 0; s < y.size() / width; ++s) {
    const std::span<const float> p = std::span(y).subspan(s * width, width);
    const std::string& best = task.classes[likeliest[s]];
    if (result.json) {
      Json probabilities = Json::object();
      for (std::size_t c = 0; c < width; ++c) probabilities[task.classes[c]] = tidy(p[c]);
      print_json({{"class", best}, {"probabilities", probabilities}});
      continue;
    }
    std::string line = one_line(best);
    for (const float share : p) line += fmt::format("\t{:.4f}", share);
    print(line + '\n');
  }
}

int Predict::run() const {
  result.check();
  const Model network = load_for("predict", model, precision);
  const Task task = task_of(network, model);
  expect(!labelled || task.kind == TaskKind::classify, "--labelled", "a model that classifies",
         fmt::format("one for {}", field_text(task.kind)));
  expect(result.svg.empty() || task.kind == TaskKind::forecast, "--svg", "a model that forecasts",
         fmt::format("one for {}", field_text(task.kind)));
  if (of_tables(task.kind)) return predict_forecast({network, model, file, threads, result}, forecast);
  expect(!forecast.given(), "--future, --state-in and --state-out", "a model that forecasts",
         fmt::format("one for {}", field_text(task.kind)));
  if (task.kind != TaskKind::classify && task.kind != TaskKind::tag) {
    throw Error(Status::bad_file,
                fmt::format("{}: predict: expected a model that forecasts, detects, classifies or tags, found {}",
                            model, what_it_is_for(network, model)));
  }
  Examples examples = read_examples(task, file, open_examples,
                                    {.labels = labelled, .inputs = network.config().inputs, .as_trained = true});
  encode_for(network, task, examples);
  const std::vector<float> y = predict(network, examples.sequences, 32, threads);
  if (task.kind == TaskKind::classify) {
    print_classes(task, y);
    return 0;
  }
  const std::vector<std::uint32_t> tags = likeliest_classes(task, y);
  if (!result.json) {
    print(with_tags(examples.tagged, tags, task.classes));
    return 0;
  }
  for (std::size_t s = 0; s < examples.tagged.size(); ++s) {
    Json words = Json::array(), names = Json::array();
    for (std::size_t i = examples.tagged.starts[s]; i < examples.tagged.starts[s + 1]; ++i) {
      words.push_back(examples.tagged.words[i]);
      names.push_back(task.classes[tags[i]]);
    }
    print_json({{"words", words}, {"tags", names}});
  }
  return 0;
}

}  // namespace

Action add_predict(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Predict>();
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option("FILE", verb->file, "a file or folder of the kind that was trained on; - for standard input")
      ->required();
  app.add_flag("--labelled", verb->labelled, "classify: the file has its classes, which are not looked at");
  add_value(app, "--threads", verb->threads, "how many to use; 0: as many as the machine has", "N");
  add_precision(app, verb->precision);
  verb->forecast.add(app);
  verb->result.add(app);
  verb->result.add_picture(app, "forecast: draw what came last and what comes");
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
