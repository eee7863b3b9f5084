// What `sluice train` does when nobody says otherwise. The numbers that depend on the kind of text stand here alone.
#pragma once

#include "sluice/sluice.h"

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
    d.config.dropout = 0.2;
    d.train.epochs = 10;
    d.train.batch = 32;
    d.train.steps = 100;
    d.train.learning_rate = 2e-3;
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

}  // namespace sluice::tool
