// What `sluice train` does when nobody says otherwise. The numbers that depend on the kind of text and on the task
// stand here alone.
#pragma once

#include <algorithm>
#include <string>

#include "model/layout.h"
#include "sluice/data.h"
#include "sluice/model.h"
#include "sluice/train.h"
#include "tasks/task.h"

namespace sluice::tool {

struct Defaults {
  Config config;
  TrainOptions train;
};

inline Defaults defaults_for(Level level) {
  Defaults d;
  d.config.cell = "gru";
  d.train.optimizer = Optimizer::adam;
  d.train.schedule = Schedule::cosine;
  if (level == Level::character) {
    d.config.layers = 1;
    d.config.hidden = 512;
    d.config.dropout = 0.3;
    d.config.weight_dropout = 0.2;
    d.train.epochs = 30;
    d.train.batch = 32;
    d.train.steps = 100;
    d.train.learning_rate = 2e-3;
    d.train.optimizer = Optimizer::adamw;
    d.train.weight_decay = 0.1;
    d.train.ema_decay = 0.999;
    d.train.validation_split = 0.05;
    d.train.calibrate_temperature = true;
  } else {
    d.config.layers = 1;
    d.config.hidden = 256;
    d.config.tied = true;
    d.config.dropout = 0.3;
    d.train.epochs = 10;
    d.train.batch = 32;
    d.train.steps = 35;
    d.train.learning_rate = 2e-3;
  }
  return d;
}

// What sequences that are to be classified are made of.
enum class Steps { numbers, words, characters };

// The same of a task on so many sequences. batch: of an update, if not the task's own (0). steps: of a classifier.
inline Defaults defaults_for(TaskKind kind, std::size_t sequences, std::size_t batch = 0,
                             Steps steps = Steps::numbers) {
  Defaults d;
  d.config.cell = "gru";
  d.train.schedule = Schedule::cosine;
  d.train.optimizer = Optimizer::adamw;
  d.train.weight_decay = 0.01;
  d.train.ema_decay = 0.99;
  double updates = 0;
  const bool few = sequences < 500;  // all of which are needed to train on
  if (kind == TaskKind::classify) {
    d.config.hidden = 64;
    d.config.dropout = 0.3;
    d.train.batch = 16;
    d.train.learning_rate = 5e-3;
    d.train.validation_split = few ? 0 : 0.1;
    updates = 2000;
    d.config.head.at = "mean";
    if (steps == Steps::characters && sequences >= 2000) {
      d.config.dropout = 0.5;
      d.train.batch = 64;
      d.train.learning_rate = 1e-2;
      d.train.weight_decay = 0.1;
      updates = 5000;
    }
  } else if (kind == TaskKind::tag) {
    d.config.hidden = 128;
    d.config.embedding = 128;
    d.config.dropout = 0.5;
    d.config.input_dropout = 0.3;
    d.config.spelling.word_dropout = 0.1;
    d.train.batch = 32;
    d.train.learning_rate = 3e-3;
    d.train.validation_split = few ? 0 : 0.05;
    updates = 6000;
  } else {
    d.config.cell = "lstm";
    d.config.hidden = 256;
    d.config.dropout = 0.4;
    d.train.batch = 8;
    d.train.learning_rate = 3e-3;
    d.train.validation_split = 0.1;
    updates = 4000;
  }
  if (batch > 0) d.train.batch = batch;
  const double passes = updates * static_cast<double>(d.train.batch) / static_cast<double>(sequences);
  d.train.epochs = static_cast<std::size_t>(std::clamp(passes, 5., 500.));
  if (kind == TaskKind::classify && steps == Steps::numbers && sequences < 100) {
    // So few are soon known by heart, which the last states and more dropout put off.
    d.config.head.at = "last";
    d.config.dropout = 0.6;
    d.train.epochs = std::max<std::size_t>(5, 200 * 64 / std::max<std::size_t>(64, sequences));
  }
  return d;
}

// Where a class is read from if nobody says so: the sum of both directions has no last step.
inline void settle_at(const std::string& direction, Config& config) {
  if (direction == "sum" && config.head.at == "last") config.head.at = "mean";
}

// What was given may leave no room for what was not.
struct Given {
  bool tied = false, calibrate_temperature = false;
};
inline void settle(const Given& given, bool has_validation, Config& config, TrainOptions& train) {
  const bool differs = config.embedding != 0 && config.embedding != outputs_of(layers_of(config).back());
  if (differs && !given.tied) config.tied = false;
  if ((config.tied || !has_validation) && !given.calibrate_temperature) {
    train.calibrate_temperature = false;
  }
}

}  // namespace sluice::tool
