// What `sluice train` does when nobody says otherwise. The numbers that depend on the kind of text stand here alone.
#pragma once

#include "model/layout.h"
#include "sluice/data.h"
#include "sluice/model.h"
#include "sluice/train.h"

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
