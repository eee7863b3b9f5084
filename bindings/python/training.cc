// Training and what is measured of a trained model.
#include "sluice/train.h"

#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <filesystem>

#include "arrays.h"
#include "data.h"
#include "data/missing.h"
#include "defaults.h"
#include "fields.h"
#include "model/config.h"
#include "reports.h"
#include "sluice/fine_tune.h"
#include "subjects.h"
#include "train/checkpoint.h"
#include "train/options.h"
#include "train/plan.h"
#include "train/stopwatch.h"

namespace sluice::python {
namespace {

TrainOptions options_for(const nb::dict& options, TrainOptions train) {
  apply_training(options, train);
  return train;
}

// As `sluice train` does: the same options give the same bits. And the settings that it used, for the model's note.
nb::tuple train_text(const Corpus& corpus, const std::optional<Corpus>& validation, const nb::dict& network,
                     const nb::dict& training, const std::optional<Model>& from, nb::object report) {
  const Level level = corpus.vocabulary().text().level;
  const Stopwatch clock;
  const Choices given = {[&](Config& config, TrainOptions& o) {
                           apply_network(network, config);
                           apply_training(training, o);
                         },
                         [&](std::string_view flag) {
                           const std::string name = python_name(std::string(flag).c_str());
                           return network.contains(name.c_str()) || training.contains(name.c_str());
                         }};
  tool::Defaults d;
  if (from) {
    d = tool::defaults_for(level);
    d.config = from->config();
    if (training.contains("minutes")) d.train.schedule = Schedule::trapezoid;
  } else {
    const TrainOptions asked = options_for(training, {});
    Plan plan = plan_for(
        corpus,
        {level, corpus.tokens().size(), corpus.vocabulary().size(), validation ? validation->tokens().size() : 0},
        given, 60 * asked.minutes);
    d = {std::move(plan.config), std::move(plan.train)};
    if (asked.resume && std::filesystem::exists(asked.checkpoint)) {
      as_in_checkpoint(asked.checkpoint, d.config, d.train);
    }
  }
  given.apply(d.config, d.train);
  const bool validates = validation.has_value() || d.train.validation_split > 0;
  tool::settle({network.contains("tied"), training.contains("calibrate_temperature")}, validates, d.config, d.train);
  d.config = checked(d.config);
  check_options(d.train, validates);
  Signals signals;
  Model model = interruptible(signals, [&] {
    return from ? fine_tune(*from, d.config, corpus.vocabulary(), d.train.seed)
                : Model(d.config, corpus.vocabulary(), d.train.seed);
  });
  nb::tuple trained = run(std::move(model), std::move(report), [&](Model& m, const auto& reports) {
    TrainOptions now = d.train;
    if (now.minutes > 0) now.minutes = std::max(1e-9, now.minutes - clock.seconds() / 60);
    return validation ? train(m, corpus, *validation, now, reports) : train(m, corpus, now, reports);
  });
  if (d.train.minutes > 0) d.train = nb::cast<TrainResult>(trained[1]).options;
  return nb::make_tuple(std::move(trained), noted(d.train));
}

nb::tuple train_sequences(const Model& model, const PythonSequences& sequences,
                          const std::optional<PythonSequences>& validation, const nb::dict& training,
                          nb::object report) {
  const TrainOptions options = options_for(training, {});
  return run(model, std::move(report), [&](Model& m, const auto& reports) {
    return validation ? train(m, *sequences.all, *validation->all, options, reports)
                      : train(m, *sequences.all, options, reports);
  });
}

// Those of the command for so many sequences of numbers, so many an update, and layers in that direction: of the
// network, and of its training.
nb::tuple task_defaults(nb::handle task, std::size_t sequences, nb::handle batch, nb::handle direction) {
  TaskKind kind{};
  read(task, "task", kind);
  std::size_t size = 0;
  if (!batch.is_none()) read(batch, "batch", size);
  tool::Defaults d = tool::defaults_for(kind, sequences, size);
  std::string how;
  read(direction, "direction", how);
  tool::settle_at(how, d.config);
  nb::dict network = to_dict(d.config);
  if (kind == TaskKind::tag) network["spelling"] = to_dict(d.config.spelling);
  return nb::make_tuple(network, to_dict(d.train));
}

nb::dict scaling(const PythonSequences& sequences) {
  const ScalingConfig found = find_scaling(*sequences.all);
  nb::dict all;
  all["mean"] = nb::cast(found.mean);
  all["deviation"] = nb::cast(found.deviation);
  return all;
}

nb::object predict_rows(const Model& model, const PythonSequences& sequences, std::size_t batch, std::size_t threads) {
  Signals signals;
  const std::vector<float> y = interruptible(signals, [&] { return predict(model, *sequences.all, batch, threads); });
  return to_array(y, {y.size() / model.outputs(), model.outputs()});
}

}  // namespace

void bind_training(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<Report>(m, "Report", "How a training goes on, as it tells ``progress``.")
      .def_prop_ro(
          "kind", [](const Report& r) { return field_text(r.kind); },
          "update, validation, recovery, checkpoint, done or warning.")
      .def_ro("epoch", &Report::epoch)
      .def_ro("epochs", &Report::epochs)
      .def_ro("update", &Report::update)
      .def_ro("updates", &Report::updates)
      .def_ro("tokens", &Report::tokens)
      .def_ro("loss", &Report::loss)
      .def_ro("validation_loss", &Report::validation_loss)
      .def_ro("learning_rate", &Report::learning_rate)
      .def_ro("gradient_norm", &Report::gradient_norm)
      .def_ro("seconds", &Report::seconds)
      .def_ro("tokens_per_second", &Report::tokens_per_second)
      .def_ro("seconds_left", &Report::seconds_left)
      .def_ro("message", &Report::message);
  nb::class_<TrainResult>(m, "TrainResult", "How a training ended.")
      .def_ro("tokens", &TrainResult::tokens)
      .def_ro("updates", &TrainResult::updates)
      .def_ro("epochs", &TrainResult::epochs)
      .def_ro("threads", &TrainResult::threads)
      .def_ro("seconds", &TrainResult::seconds)
      .def_ro("tokens_per_second", &TrainResult::tokens_per_second)
      .def_ro("train_loss", &TrainResult::train_loss)
      .def_ro("validation_loss", &TrainResult::validation_loss)
      .def_ro("guess_loss", &TrainResult::guess_loss)
      .def_ro("worse_than_guess", &TrainResult::worse_than_guess)
      .def_ro("stopped", &TrainResult::stopped)
      .def_ro("stopped_early", &TrainResult::stopped_early);
  nb::class_<Evaluation>(m, "Evaluation", "What a model makes of a text.")
      .def_ro("tokens", &Evaluation::tokens)
      .def_ro("unknown", &Evaluation::unknown)
      .def_ro("nats_per_token", &Evaluation::nats_per_token)
      .def_ro("bits_per_token", &Evaluation::bits_per_token)
      .def_ro("perplexity", &Evaluation::perplexity)
      .def_ro("recall_at_1", &Evaluation::recall_at_1)
      .def_ro("recall_at_3", &Evaluation::recall_at_3);

  m.def("train_text", train_text, "corpus"_a, "validation"_a.none(), "network"_a, "training"_a, "from_model"_a.none(),
        "report"_a.none());
  m.def("train_sequences", train_sequences, "model"_a, "sequences"_a, "validation"_a.none(), "training"_a,
        "report"_a.none());
  m.def("task_defaults", task_defaults, "task"_a, "sequences"_a = 1, "batch"_a.none() = nb::none(), "direction"_a = "");
  m.def("find_scaling", scaling, "sequences"_a);
  m.def(
      "evaluate",
      [](const Model& model, const Corpus& corpus, std::size_t batch, std::size_t threads) {
        Signals signals;
        return interruptible(signals, [&] { return evaluate(model, corpus, batch, threads); });
      },
      "model"_a, "corpus"_a, "batch"_a = 1, "threads"_a = 0);
  m.def("predict", predict_rows, "model"_a, "sequences"_a, "batch"_a = 32, "threads"_a = 0);
}

}  // namespace sluice::python
