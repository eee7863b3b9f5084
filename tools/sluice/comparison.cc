#include "comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace sluice::tool {
namespace {

using Measure = std::function<double(const CellResult&)>;

struct Spread {
  double mean = 0, deviation = 0;
};

Spread over_seeds(const CellRuns& cell, const Measure& measure) {
  Spread s;
  const auto n = static_cast<double>(cell.runs.size());
  for (const CellResult& run : cell.runs) s.mean += measure(run) / n;
  for (const CellResult& run : cell.runs) s.deviation += std::pow(measure(run) - s.mean, 2);
  s.deviation = cell.runs.size() > 1 ? std::sqrt(s.deviation / (n - 1)) : 0;
  return s;
}

// How numbers of one row are written.
using Format = std::function<std::string(double)>;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

class Table {
 public:
  Table(const Style& style, const std::vector<CellRuns>& cells) : style_(style), cells_(cells) {
    const bool seeds = std::any_of(cells.begin(), cells.end(), [](const CellRuns& c) { return c.runs.size() > 1; });
    number_ = seeds ? 17 : 9;
    const std::size_t left = style.width > kLabel + 4 ? style.width - kLabel - 4 : 0;
    const std::size_t each = left / std::max<std::size_t>(1, cells.size());
    bar_ = style.terminal && each > number_ + 7 ? std::min<std::size_t>(each - number_ - 4, 12) : 0;
  }

  void head() {
    page_ += "  " + std::string(kLabel, ' ');
    for (const CellRuns& cell : cells_) {
      page_ += "  " + pad_right(style_.bold(pad_left(upper(cell.cell), number_)), number_ + gap());
    }
    end_line();
  }

  void row(const std::string& label, const Measure& measure, const Format& format, const std::string& unit = "",
           bool share = false) {
    page_ += "  " + pad_right(label, kLabel);
    for (const CellRuns& cell : cells_) {
      const Spread s = over_seeds(cell, measure);
      std::string text = format(s.mean);
      if (cell.runs.size() > 1 && s.deviation > 0) text += " ±" + format(s.deviation);
      page_ += "  " + pad_left(text + unit, number_);
      if (gap() == 0) continue;
      const Rgb hue = mix({214, 92, 92}, colours::green, s.mean);
      page_ += share ? " " + style_.colour(pad_right(bar(s.mean, bar_), bar_), hue) : std::string(gap(), ' ');
    }
    end_line();
  }

  void title(const std::string& text) { page_ += fmt::format("\n  {}\n", style_.dim(text)); }
  const std::string& page() const { return page_; }

 private:
  static constexpr std::size_t kLabel = 16;
  std::size_t gap() const { return bar_ == 0 ? 0 : bar_ + 1; }
  void end_line() {
    page_.erase(page_.find_last_not_of(' ') + 1);  // where there is no colour
    page_ += "\n";
  }

  const Style& style_;
  const std::vector<CellRuns>& cells_;
  std::string page_;
  std::size_t number_, bar_;
};

std::string whole(double value) { return fmt::format("{:.0f}", value); }
std::string one_digit(double value) { return fmt::format("{:.1f}", value); }

}  // namespace

std::vector<CellRuns> by_cell(const std::vector<CompareRun>& runs) {
  std::vector<CellRuns> cells;
  for (const CompareRun& run : runs) {
    auto found = std::find_if(cells.begin(), cells.end(), [&](const CellRuns& c) { return c.cell == run.result.cell; });
    if (found == cells.end()) found = cells.insert(cells.end(), {run.result.cell, {}});
    found->runs.push_back(run.result);
  }
  return cells;
}

std::string draw_comparison(const Style& style, const std::vector<CellRuns>& cells, std::string_view distance) {
  Table table(style, cells);
  table.head();
  const auto count = [&](double value) {
    return style.terminal ? thousands(static_cast<std::uint64_t>(value + 0.5)) : whole(value);
  };
  table.row(
      "parameters", [](const CellResult& r) { return static_cast<double>(r.parameters); }, count);
  table.row(
      "units a layer", [](const CellResult& r) { return static_cast<double>(r.hidden); }, whole);
  table.row(
      "training", [](const CellResult& r) { return r.seconds; }, one_digit, " s");
  table.row(
      "tokens a second", [](const CellResult& r) { return r.tokens_per_second; }, count);
  table.row(
      "one step", [](const CellResult& r) { return r.step_microseconds; }, one_digit, " µs");
  table.row(
      "nats per token", [](const CellResult& r) { return r.nats_per_token; },
      [](double v) { return fmt::format("{:.4f}", v); });
  if (cells.empty() || cells.front().runs.front().recall_by_distance.empty()) return table.page();
  table.title(std::string(distance));
  const auto& distances = cells.front().runs.front().recall_by_distance;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    table.row(
        fmt::format("{:>6}", distances[i].words),
        [i](const CellResult& r) { return i < r.recall_by_distance.size() ? r.recall_by_distance[i].accuracy : NAN; },
        [](double v) { return percentage(v, 1); }, " %", true);
  }
  return table.page();
}

namespace {

Json to_json(const std::vector<Recall>& by_distance) {
  Json recall = Json::array();
  for (const Recall& one : by_distance) {
    recall.push_back({{"words", one.words}, {"accuracy", one.accuracy}, {"n", one.n}});
  }
  return recall;
}

Json numbers(const CellResult& r) {
  Json object = {{"cell", r.cell},
                 {"seed", r.seed},
                 {"hidden", r.hidden},
                 {"parameters", r.parameters},
                 {"seconds", r.seconds},
                 {"tokens_per_second", r.tokens_per_second},
                 {"step_microseconds", r.step_microseconds},
                 {"nats_per_token", r.nats_per_token},
                 {"recall_by_distance", to_json(r.recall_by_distance)}};
  if (r.recall_while_training.empty()) return object;
  Json& list = object["recall_while_training"] = Json::array();
  for (const RecallThen& one : r.recall_while_training) {
    list.push_back({{"update", one.update},
                    {"updates", one.updates},
                    {"tokens", one.tokens},
                    {"recall_by_distance", to_json(one.by_distance)}});
  }
  return object;
}

}  // namespace

Json to_json(const CellRuns& cell) {
  Json object = numbers(cell.runs.front());
  const CellInfo& info = find_cell(cell.runs.front().cell);
  object["gates"] = Json::array();
  for (const GateInfo& gate : info.gates) object["gates"].push_back(gate.name);
  object["states"] = info.states;
  if (cell.runs.size() == 1) return object;
  object.erase("seed");
  object.erase("recall_while_training");
  const auto mean = [&](const Measure& measure) { return over_seeds(cell, measure).mean; };
  object["seconds"] = mean([](const CellResult& r) { return r.seconds; });
  object["tokens_per_second"] = mean([](const CellResult& r) { return r.tokens_per_second; });
  object["step_microseconds"] = mean([](const CellResult& r) { return r.step_microseconds; });
  object["nats_per_token"] = mean([](const CellResult& r) { return r.nats_per_token; });
  for (std::size_t i = 0; i < object["recall_by_distance"].size(); ++i) {
    std::uint64_t n = 0;
    for (const CellResult& run : cell.runs) n += run.recall_by_distance.at(i).n;
    object["recall_by_distance"][i]["n"] = n;
    object["recall_by_distance"][i]["accuracy"] =
        mean([i](const CellResult& r) { return r.recall_by_distance.at(i).accuracy; });
  }
  object["runs"] = Json::array();
  for (const CellResult& run : cell.runs) object["runs"].push_back(numbers(run));
  return object;
}

}  // namespace sluice::tool
