// Every piece of work at every size, measured beside what bounds it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/measure/samples.h"
#include "sluice/model.h"

namespace sluice::bench {

enum class Kind {
  step,       // one step of one stream through a layer
  stream,     // the same through a whole model with its head and softmax (sluice::Stream)
  inference,  // a layer over a sequence, B 32, T 100
  training,   // a layer forward and backward, all gradients
  model,      // a whole training step of a character model and of a word model, with Adam
};
const std::vector<std::string>& kind_names();  // in that order
// Whether there is such work: int8 is for inference alone.
bool is_measured(Kind kind, Precision precision);

struct Selection {
  std::vector<Kind> kinds;                               // empty: all
  std::vector<std::string> cells;                        // empty: all
  std::vector<std::size_t> hidden;                       // empty: what stands for each kind in suite.cc
  std::vector<Precision> precisions = {Precision::f32};  // int8 for inference alone
  std::size_t threads = 0;                               // 0: as many as the machine has
  bool quick = false;                                    // few sizes, little time
};

struct Result {
  std::string kind, cell;  // kind: a name of kind_names(), or "char-model", "word-model"
  std::size_t hidden = 0, batch = 0, steps = 0, threads = 0;
  Precision precision = Precision::f32;
  Spread seconds;       // of one run
  double flops = 0;     // floating-point operations of its matrix products
  double bytes = 0;     // of weights that it reads; 0 where they stay in a core's cache for many rows
  double items = 1;     // steps of streams in a run: what "a second" counts
  double limit = 0;     // seconds: the greater of flops over the products' peak and bytes over the reading speed, both
                        // of float32 whatever the precision
  bool memory = false;  // which of the two it is
  double times_limit() const { return seconds.median / limit; }
};

struct Machine {
  std::string processor, target;  // target: the instruction set in use
  std::size_t threads = 0, first_cache = 0, second_cache = 0, third_cache = 0;
  // How much of a processor one thread that never waits was given. Below kQuiet, times are not the machine's own.
  double share = 0;
  static constexpr double kQuiet = 0.97;
};

struct Read {
  std::size_t bytes = 0;
  Spread rate;  // bytes a second
};

struct Report {
  Machine machine;
  Spread multiply_adds[2], products[2];  // operations a second: of one thread, of all
  std::vector<Read> reads;               // at several sizes, one thread
  std::vector<Result> results;
};

// progress(done, of, what) is called before each piece of work; returning false ends the run early.
Report run(const Selection& selection,
           const std::function<bool(std::size_t, std::size_t, const std::string&)>& progress);

}  // namespace sluice::bench
