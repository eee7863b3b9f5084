// Training as it is seen from outside: a line at the bottom of a terminal, lines that stay, JSON lines in a log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lessons/compare.h"
#include "output.h"
#include "sluice/sluice.h"
#include "terminal.h"

namespace sluice::tool {

// One run.
class Progress {
 public:
  // by_updates: the run is so many updates, and not so many epochs.
  Progress(Console& console, std::string unit, bool by_updates)
      : console_(console), unit_(std::move(unit)), by_updates_(by_updates) {}
  void show(const Report& report);
  // What was learned, in the end: "best after epoch 7: train 3.9012, validation 4.0012 nats per token,
  // perplexity 54.66".
  std::string result(const TrainResult& result, bool validated) const;

 private:
  struct Epoch {
    std::size_t number = 0;
    std::uint64_t update = 0;
    double train = 0, validation = 0;  // nats a token
  };
  std::string loss_text(double loss) const;
  bool is_first() const { return first_ <= 1; }  // and did not go on from a checkpoint, whose best epoch is not known

  Console& console_;
  std::string unit_;  // what the loss is a mean over: "token", of which alone there is a perplexity;
                      // "window", of forecasts, whose loss is no likelihood
  bool by_updates_;
  double smooth_ = 0;        // exponential mean of the loss, over about 50 updates
  std::uint64_t first_ = 0;  // update that was reported first
  std::optional<Epoch> best_;
};

Json to_json(const Report& report);

// What a loss is measured in, where it is a mean over such units: "nats per token".
std::string loss_unit(const std::string& unit);

// Several runs one after another, as compare and demo train them.
class RunsProgress {
 public:
  explicit RunsProgress(Console& console) : console_(console) {}
  void show(const CompareProgress& progress);

 private:
  Console& console_;
  std::size_t run_ = 0;
  double smooth_ = 0;
};

}  // namespace sluice::tool
