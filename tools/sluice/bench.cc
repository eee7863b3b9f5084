// sluice bench: the ceilings of this machine, and the time of every cell's work as such and in multiples of its limit.
#include "bench/measure/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "bench/measure/realtime.h"
#include "interrupts.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Bench {
  std::string cells, hidden, work, precision = "f32";
  std::uint64_t threads = 0;
  bool quick = false, quiet = false, realtime = false;
  ResultFlags result;

  bench::Selection selection() const;
  int run() const;
};

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

bench::Selection Bench::selection() const {
  bench::Selection s;
  if (!cells.empty()) s.cells = split(cells, ',');
  for (const std::string& cell : s.cells) find_cell(cell);
  if (!hidden.empty()) {
    for (const std::uint64_t h : read_numbers("--hidden", hidden)) {
      expect(h >= 1 && h <= 4096, "--hidden", "numbers from 1 to 4096", std::to_string(h));
      s.hidden.push_back(h);
    }
  }
  s.precisions.clear();
  for (const std::string& name : split(precision, ',')) read_value("--precision", name, s.precisions.emplace_back());
  const std::vector<std::string>& kinds = bench::kind_names();
  for (const std::string& name : work.empty() ? std::vector<std::string>() : split(work, ',')) {
    const auto found = std::find(kinds.begin(), kinds.end(), name);
    expect(found != kinds.end(), "--work", "names out of " + join(kinds), name);
    s.kinds.push_back(static_cast<bench::Kind>(found - kinds.begin()));
  }
  const bool something =
      s.kinds.empty() || std::ranges::any_of(s.kinds, [&](bench::Kind kind) {
        return std::ranges::any_of(s.precisions, [&](Precision p) { return bench::is_measured(kind, p); });
      });
  expect(something, "--precision", "f32 or bf16 for work that trains", precision);
  expect(!realtime || work.empty(), "--work", "nothing beside --realtime, which has its own", work);
  expect(!realtime || precision == "f32", "--precision", "f32 beside --realtime", precision);
  expect(threads <= 1024, "--threads", "at most 1024", std::to_string(threads));
  s.threads = threads;
  s.quick = quick;
  return s;
}

std::string time(double seconds) {
  if (seconds < 1e-6) return fmt::format("{:.1f} ns", seconds * 1e9);
  if (seconds < 1e-3) return fmt::format("{:.2f} µs", seconds * 1e6);
  return seconds < 1 ? fmt::format("{:.2f} ms", seconds * 1e3) : fmt::format("{:.2f} s ", seconds);
}

std::string size(std::size_t bytes) {
  return bytes < (std::size_t{1} << 20) ? fmt::format("{} KiB", bytes >> 10) : fmt::format("{} MiB", bytes >> 20);
}

std::string draw_ceilings(const Style& style, const bench::Report& r) {
  const bench::Machine& m = r.machine;
  const std::string caches = m.first_cache == 0 ? ""
                                                : fmt::format(", caches {} {} {}", size(m.first_cache),
                                                              size(m.second_cache), size(m.third_cache));
  std::string page = fmt::format("{}\n{}, {}{}\n\n", style.bold(m.processor), m.target,
                                 m.threads > 1 ? fmt::format("{} threads", m.threads) : "1 thread", caches);
  const auto row = [&](const std::string& what, const std::string& value) {
    page += "  " + pad_right(what, 34) + pad_left(value, 16) + "\n";
  };
  const auto flops = [&](const bench::Spread& s) { return fmt::format("{:.0f} GFLOP/s", s.median * 1e-9); };
  const std::string all = fmt::format("{} threads", m.threads);
  row("multiply-adds, 1 thread", flops(r.multiply_adds[0]));
  if (m.threads > 1) row("multiply-adds, " + all, flops(r.multiply_adds[1]));
  row("matrix product, 1 thread", flops(r.products[0]));
  if (m.threads > 1) row("matrix product, " + all, flops(r.products[1]));
  for (const bench::Read& read : r.reads) {
    row(fmt::format("reading {}, 1 thread", size(read.bytes)), fmt::format("{:.0f} GB/s", read.rate.median * 1e-9));
  }
  if (m.share < bench::Machine::kQuiet) {
    page += "\n  " +
            style.colour(fmt::format("This machine is busy: a thread got {} of a processor. Measure again "
                                     "when it is quiet.",
                                     percent(m.share)),
                         colours::amber) +
            "\n";
  }
  return page;
}

// One table for each kind of work and cell.
std::string draw(const Style& style, const bench::Report& report) {
  std::string page = draw_ceilings(style, report), group;
  for (const bench::Result& r : report.results) {
    if (const std::string now = r.kind + ", " + r.cell; now != group) {
      group = now;
      page += fmt::format("\n  {}\n", style.bold(group));
      page += style.dim(fmt::format("  {:>6} {:>4} {:>4} {:>7}  {:<5}  {:>10}  {:>17}  {:>7}  {}", "hidden", "B", "T",
                                    "threads", "in", "time", "quartiles", "limits", "limited by")) +
              "\n";
    }
    const std::string spread = fmt::format("-{:.1f} % +{:.1f} %", 100 * (1 - r.seconds.lower / r.seconds.median),
                                           100 * (r.seconds.upper / r.seconds.median - 1));
    page += fmt::format("  {:>6} {:>4} {:>4} {:>7}  {:<5}  {}  {:>17}  {}  {}\n", r.hidden, r.batch, r.steps, r.threads,
                        field_text(r.precision), pad_left(time(r.seconds.median), 10), spread,
                        style.bold(pad_left(fmt::format("{:.2f}", r.times_limit()), 7)),
                        r.memory ? "reading weights" : "matrix product");
  }
  return page;
}

Json to_json(const bench::Spread& s) {
  return {{"min", s.least},   {"lower", s.lower}, {"median", s.median},
          {"upper", s.upper}, {"max", s.most},    {"samples", s.count}};
}

Json to_json(const bench::Report& report) {
  const bench::Machine& m = report.machine;
  Json reads = Json::array(), results = Json::array();
  for (const bench::Read& read : report.reads) {
    reads.push_back({{"bytes", read.bytes}, {"bytes_per_second", to_json(read.rate)}});
  }
  for (const bench::Result& r : report.results) {
    results.push_back({{"work", r.kind},
                       {"cell", r.cell},
                       {"precision", field_text(r.precision)},
                       {"hidden", r.hidden},
                       {"batch", r.batch},
                       {"steps", r.steps},
                       {"threads", r.threads},
                       {"seconds", to_json(r.seconds)},
                       {"limit_seconds", r.limit},
                       {"limited_by", r.memory ? "reading weights" : "matrix product"},
                       {"limits", r.times_limit()},
                       {"flops", r.flops},
                       {"weight_bytes", r.bytes},
                       {"steps_per_second", r.items / r.seconds.median}});
  }
  return {
      {"version", SLUICE_VERSION},
      {"machine",
       {{"processor", m.processor},
        {"target", m.target},
        {"threads", m.threads},
        {"processor_share", m.share},
        {"cache_bytes", {m.first_cache, m.second_cache, m.third_cache}}}},
      {"ceilings",
       {{"multiply_add_flops", {{"one", to_json(report.multiply_adds[0])}, {"all", to_json(report.multiply_adds[1])}}},
        {"product_flops", {{"one", to_json(report.products[0])}, {"all", to_json(report.products[1])}}},
        {"reads", reads}}},
      {"results", results}};
}

// One table for each kind of work, a row a cell and size.
std::string draw(const Style& style, const bench::RealTimeReport& report) {
  std::string page = "single steps, one after another; a time contains " + time(report.clock) + " of the clock's\n";
  std::string group;
  for (const bench::StepTimes& r : report.results) {
    if (const std::string now = r.work + ", " + r.cell; now != group) {
      group = now;
      page += fmt::format("\n  {}\n", style.bold(group));
      page += style.dim(fmt::format("  {:>6} {:>7} {:>8}  {:>10}  {:>10}  {:>10}  {:>7}", "hidden", "streams", "steps",
                                    "median", "99.9 %", "worst", "times")) +
              "\n";
    }
    page +=
        fmt::format("  {:>6} {:>7} {:>8}  {}  {}  {}  {}\n", r.hidden, r.streams, r.steps, pad_left(time(r.median), 10),
                    pad_left(time(r.p999), 10), style.bold(pad_left(time(r.worst), 10)),
                    pad_left(fmt::format("{:.1f}", r.worst / r.median), 7));
  }
  return page + "\n  The worst holds whatever else the system did meanwhile.\n";
}

Json to_json(const bench::RealTimeReport& report) {
  Json results = Json::array();
  for (const bench::StepTimes& r : report.results) {
    results.push_back({{"work", r.work},
                       {"cell", r.cell},
                       {"hidden", r.hidden},
                       {"streams", r.streams},
                       {"steps", r.steps},
                       {"median_seconds", r.median},
                       {"p999_seconds", r.p999},
                       {"worst_seconds", r.worst}});
  }
  return {{"clock_seconds", report.clock}, {"results", results}};
}

int Bench::run() const {
  const bench::Selection chosen = selection();
  Console console(quiet);
  Interrupts interrupts;
  const auto progress = [&](std::size_t done, std::size_t of, const std::string& what) {
    console.progress(fmt::format("{}/{}", done, of), static_cast<double>(done) / static_cast<double>(of), what);
    return interrupts.go_on();
  };
  const auto finish = [&](const auto& report) {
    console.clear();
    if (!interrupts.go_on()) {
      console.say(fmt::format("stopped by {}", interrupts.name()));
      return interrupts.exit_code();
    }
    show(
        result, [&](const Style& style) { return draw(style, report); }, [&] { return to_json(report); });
    return 0;
  };
  if (realtime) return finish(bench::run_realtime(chosen, progress));
  return finish(bench::run(chosen, progress));
}

}  // namespace

Action add_bench(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Bench>();
  app.add_flag("--quick", verb->quick, "few sizes and little time");
  app.add_option("--cells", verb->cells, "which, with commas between them [all]")->type_name("NAMES");
  app.add_option("--hidden", verb->hidden, "units a layer, with commas between them [those of docs/performance.md]")
      ->type_name("N,...");
  app.add_option("--work", verb->work, fmt::format("which, out of {} [all]", join(bench::kind_names())))
      ->type_name("NAMES");
  app.add_option("--precision", verb->precision,
                 "f32, bf16 or int8 (inference alone), with commas between them; limits are those of f32 [f32]")
      ->type_name("NAMES");
  add_value(app, "--threads", verb->threads, "of the team that is measured beside one; 0: as many as the machine has",
            "N");
  app.add_flag("--realtime", verb->realtime, "single steps of streams instead: the typical, 99.9 % and the worst");
  verb->result.add(app);
  app.add_flag("-q,--quiet", verb->quiet, "say nothing but errors and the result");
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
