#include "bench/measure/suite.h"

#include <algorithm>
#include <fstream>
#include <memory>

#include "bench/measure/ceilings.h"
#include "bench/measure/work.h"
#include "kernels/kernels.h"

namespace sluice::bench {
namespace {

// A piece of work not yet made: its data may be hundreds of megabytes.
struct Planned {
  Result result;
  std::function<std::function<void()>(Result&)> make;  // fills in flops, bytes and items
};

double as_double(std::size_t n) { return static_cast<double>(n); }

// What training computes in at a precision, and what inference does.
Format training_format(Precision precision) { return precision == Precision::bf16 ? Format::bf16 : Format::f32; }
Format inference_format(Precision precision) {
  return precision == Precision::bf16   ? Format::bf16_weights
         : precision == Precision::int8 ? Format::int8
                                        : Format::f32;
}

Planned layer_work(Kind kind, LayerSize size, Precision precision) {
  Planned p;
  size.format = kind == Kind::training ? training_format(precision) : inference_format(precision);
  p.result.precision = precision;
  p.result.kind = kind_names()[static_cast<std::size_t>(kind)];
  p.result.cell = size.cell;
  p.result.hidden = size.hidden;
  p.result.batch = size.batch;
  p.result.steps = size.steps;
  p.result.threads = size.threads;
  p.make = [kind, size](Result& r) -> std::function<void()> {
    const auto work = std::make_shared<LayerWork>(size);
    r.flops = work->flops() * (kind == Kind::training ? 3 : 1);
    if (kind != Kind::step) {
      r.items = as_double(size.batch * size.steps);
      if (kind == Kind::training) return [work] { work->train(); };
      return [work] { work->infer(); };
    }
    r.flops /= as_double(size.steps);
    r.bytes = work->weight_bytes();
    r.steps = 1;
    return [work] { work->step(); };
  };
  return p;
}

Planned stream_work(const std::string& cell, std::size_t hidden, Precision precision) {
  Planned p;
  p.result = {.kind = "stream",
              .cell = cell,
              .hidden = hidden,
              .batch = 1,
              .steps = 1,
              .threads = 1,
              .precision = precision,
              .seconds = {}};
  p.make = [cell, hidden, precision](Result& r) -> std::function<void()> {
    constexpr std::size_t kVocabulary = 64;
    const auto work = std::make_shared<StreamWork>(cell, hidden, kVocabulary, precision);
    r.flops = work->flops();
    r.bytes = work->weight_bytes();
    return [work] { work->step(); };
  };
  return p;
}

Planned model_work(const std::string& kind, ModelSize size, Precision precision) {
  Planned p;
  size.format = training_format(precision);
  p.result = {.kind = kind,
              .cell = size.cell,
              .hidden = size.hidden,
              .batch = size.batch,
              .steps = size.steps,
              .threads = size.threads,
              .precision = precision,
              .seconds = {}};
  p.make = [size](Result& r) -> std::function<void()> {
    const auto work = std::make_shared<ModelWork>(size);
    r.flops = work->flops();
    r.items = as_double(size.batch * size.steps);
    return [work] { work->train(); };
  };
  return p;
}

std::vector<Planned> plan(const Selection& s, std::size_t all_threads) {
  using Sizes = std::vector<std::size_t>;
  const auto sizes = [&](const Sizes& full, const Sizes& quick) {
    return !s.hidden.empty() ? s.hidden : s.quick ? quick : full;
  };
  const Sizes teams = all_threads > 1 ? Sizes{1, all_threads} : Sizes{1};
  const Sizes wide = sizes({128, 256, 512, 1024}, {256});
  std::vector<Planned> all;
  const auto wanted = [&](Kind kind) {
    return s.kinds.empty() || std::find(s.kinds.begin(), s.kinds.end(), kind) != s.kinds.end();
  };
  // All precisions of a piece of work one after another: what is compared is measured side by side.
  const auto layer = [&](Kind kind, const LayerSize& size) {
    for (const Precision precision : s.precisions) {
      if (is_measured(kind, precision)) all.push_back(layer_work(kind, size, precision));
    }
  };
  const auto model = [&](const char* kind, const ModelSize& size) {
    for (const Precision precision : s.precisions) {
      if (is_measured(Kind::model, precision)) all.push_back(model_work(kind, size, precision));
    }
  };
  for (const std::string& cell : s.cells) {
    if (wanted(Kind::step)) {
      for (const std::size_t h : sizes({8, 16, 32, 64, 128, 256, 512, 1024}, {16, 128})) {
        layer(Kind::step, {cell, h, h, 1, 64, 1});
      }
    }
    if (wanted(Kind::stream)) {
      for (const std::size_t h : sizes({16, 64, 256, 1024}, {128})) {
        for (const Precision precision : s.precisions) all.push_back(stream_work(cell, h, precision));
      }
    }
    for (const std::size_t h : wide) {
      for (const std::size_t threads : teams) {
        if (wanted(Kind::inference)) layer(Kind::inference, {cell, h, h, 32, 100, threads});
        if (!wanted(Kind::training)) continue;
        for (const std::size_t batch : s.quick ? Sizes{32} : Sizes{32, 64}) {
          for (const std::size_t steps : s.quick ? Sizes{35} : Sizes{35, 100}) {
            layer(Kind::training, {cell, h, h, batch, steps, threads});
          }
        }
      }
    }
    if (!wanted(Kind::model)) continue;
    for (const std::size_t threads : teams) {
      model("char-model", {cell, 65, 64, 256, 64, 100, threads});
      if (!s.quick) model("word-model", {cell, 10000, 256, 256, 32, 35, threads});
    }
  }
  return all;
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

template <class F>
Spread sampled(std::size_t count, F&& f) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(f());
  return spread_of(std::move(values));
}

// The work in turn with what bounds it, so that both saw the same machine.
void measure_result(const Planned& planned, Ceilings& ceilings, const Effort& effort, Result& r) {
  const std::function<void()> work = planned.make(r);
  std::vector<double> products, reads;
  std::vector<double> samples = measure(work, effort, [&] {
    products.push_back(ceilings.products());
    if (r.bytes > 0) reads.push_back(ceilings.reads(static_cast<std::size_t>(r.bytes)));
  });
  r.seconds = spread_of(std::move(samples));
  r.limit = r.flops / spread_of(std::move(products)).median;
  if (r.bytes == 0) return;
  const double reading = r.bytes / spread_of(std::move(reads)).median;
  r.memory = reading > r.limit;
  r.limit = std::max(r.limit, reading);
}

}  // namespace

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names = {"step", "stream", "inference", "training", "model"};
  return names;
}

bool is_measured(Kind kind, Precision precision) {
  return precision != Precision::int8 || (kind != Kind::training && kind != Kind::model);
}

Report run(const Selection& selection,
           const std::function<bool(std::size_t, std::size_t, const std::string&)>& progress) {
  Selection s = selection;
  if (s.cells.empty()) {
    for (const CellInfo& info : cells()) s.cells.emplace_back(info.name);
  }
  for (const std::string& cell : s.cells) find_cell(cell);
  const std::size_t threads = Team(s.threads).size();
  const Caches sizes = caches();
  Report report;
  report.machine = {processor_name(), target(), threads, sizes.first, sizes.second, sizes.third, 0};
  Ceilings one(1), all(threads);
  const std::size_t count = s.quick ? 5 : 21;
  const std::vector<Planned> planned = plan(s, threads);

  if (!progress(0, planned.size(), "ceilings")) return report;
  Ceilings* const teams[2] = {&one, &all};
  const double wall = seconds_now(), busy = thread_seconds_now();
  for (std::size_t i = 0; i < 2; ++i) {
    report.multiply_adds[i] = sampled(count, [&] { return teams[i]->multiply_adds(); });
    report.products[i] = sampled(count, [&] { return teams[i]->products(); });
  }
  report.machine.share = (thread_seconds_now() - busy) / (seconds_now() - wall);
  for (const std::size_t kib : {24u, 512u, 4096u, 16384u, 131072u}) {
    report.reads.push_back({kib * 1024, sampled(count, [&] { return one.reads(kib * 1024); })});
  }
  Effort effort;
  if (s.quick) effort = {.sample_seconds = 2e-4, .work_seconds = 0.03, .least = 3, .most = 9};
  for (std::size_t i = 0; i < planned.size(); ++i) {
    Result r = planned[i].result;
    if (!progress(i, planned.size(), r.kind + " " + r.cell + " " + std::to_string(r.hidden))) break;
    measure_result(planned[i], r.threads == 1 ? one : all, effort, r);
    report.results.push_back(r);
  }
  return report;
}

}  // namespace sluice::bench
