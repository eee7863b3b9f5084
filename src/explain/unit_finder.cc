// What every unit does over a corpus in numbers, and where it is highest and lowest. unit_like.cc finds places that are
// alike.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>

#include "base/failure.h"
#include "data/utf8.h"
#include "explain/reading.h"
#include "explain/unit_finder.h"
#include "model/config.h"

namespace sluice {
namespace {

constexpr std::size_t kApart = 32;    // places between two extremes
constexpr std::size_t kBlock = 4096;  // places whose products are summed in 32 bits

std::string gigabytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g GB", static_cast<double>(bytes) / 1e9);
  return text;
}

// Throws Error (usage) where a layer's cell lacks a state.
void expect_state(const std::vector<UnitLayer>& layers, std::size_t state) {
  for (const UnitLayer& layer : layers) {
    if (state < find_cell(layer.cell).states.size()) continue;
    throw Error(Status::usage, "state: expected h, the only one of the cell " + layer.cell + ", found another");
  }
}

// Sums over all places: of a unit's bytes, their squares and their products with each feature.
struct Sums {
  std::int64_t values = 0, squares = 0;
  std::int8_t least = 0, greatest = 0;
};

void add_products(std::span<const std::int8_t> bytes, const UnitFeatures& features,
                  std::span<const std::uint32_t> labels, Sums& sums, std::int64_t* products) {
  const auto [least, greatest] = std::ranges::minmax(bytes);
  sums.least = least;
  sums.greatest = greatest;
  for (std::size_t first = 0; first < bytes.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, bytes.size() - first);
    const std::int8_t* q = bytes.data() + first;
    std::int32_t sum = 0, square = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sum += q[i];
      square += q[i] * q[i];
    }
    sums.values += sum;
    sums.squares += square;
    for (std::size_t f = 0; f < features.numbers.size(); ++f) {
      const std::uint8_t* numbers = features.numbers[f].data() + first;
      std::int32_t product = 0;
      for (std::size_t i = 0; i < count; ++i) product += q[i] * numbers[i];
      products[f] += product;
    }
  }
  std::int64_t* of_class = products + features.numbers.size();
  for (std::size_t i = 0; features.classes > 0 && i < bytes.size(); ++i) {
    if (labels[i] < features.classes) of_class[labels[i]] += bytes[i];
  }
}

// Sums over all places of each feature and its square.
struct FeatureSums {
  std::vector<double> values, squares;

  FeatureSums(const UnitFeatures& features, std::span<const std::uint32_t> labels) {
    for (const std::vector<std::uint8_t>& numbers : features.numbers) {
      std::uint64_t sum = 0, square = 0;
      for (const std::uint8_t n : numbers) {
        sum += n;
        square += static_cast<std::uint64_t>(n) * n;
      }
      values.push_back(static_cast<double>(sum));
      squares.push_back(static_cast<double>(square));
    }
    std::vector<double> counts(features.classes);
    for (const std::uint32_t label : labels) {
      if (label < features.classes) ++counts[label];
    }
    values.insert(values.end(), counts.begin(), counts.end());
    squares.insert(squares.end(), counts.begin(), counts.end());
  }
};

}  // namespace

std::vector<UnitFacts> UnitFinder::Impl::measure(Team& team) const {
  const std::size_t count = states.units(), width = features.names.size();
  const std::span<const std::uint32_t> labels = corpus.sequences.labels;
  std::vector<Sums> sums(count);
  std::vector<std::int64_t> products(count * width);
  team.split(count, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = first; u < last; ++u) {
      add_products(states.bytes(u), features, labels, sums[u], products.data() + u * width);
    }
  });
  const FeatureSums of(features, labels);
  const auto n = static_cast<double>(corpus.size());
  std::vector<UnitFacts> all;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    for (std::size_t unit = 0; unit < layers[l].units; ++unit) {
      const std::size_t u = all.size();
      const double step = states.step(u), mean = static_cast<double>(sums[u].values) / n;
      const double variance = static_cast<double>(sums[u].squares) / n - mean * mean;
      UnitFacts one{{l, unit},
                    step * mean,
                    step * std::sqrt(std::max(0.0, variance)),
                    step * sums[u].least,
                    step * sums[u].greatest,
                    {}};
      for (std::size_t f = 0; f < width; ++f) {
        const double average = of.values[f] / n, spread = of.squares[f] / n - average * average;
        if (sums[u].least == sums[u].greatest || spread <= 0) continue;
        const double together = static_cast<double>(products[u * width + f]) / n - mean * average;
        one.correlations.push_back({f, together / std::sqrt(variance * spread)});
      }
      std::ranges::sort(one.correlations, {},
                        [](const Correlation& c) { return std::pair(-std::abs(c.r), c.feature); });
      all.push_back(std::move(one));
    }
  }
  return all;
}

std::size_t UnitFinder::Impl::number(const Unit& unit) const {
  if (unit.layer >= layers.size()) {
    refuse_question("layer", "0 to " + std::to_string(layers.size() - 1), unit.layer);
  }
  if (unit.unit >= layers[unit.layer].units) {
    refuse_question("unit", "0 to " + std::to_string(layers[unit.layer].units - 1), unit.unit);
  }
  return states.number(unit);
}

void refuse_question(const std::string& what, const std::string& expected, std::size_t found) {
  throw Error(Status::usage, what + ": expected " + expected + ", found " + std::to_string(found));
}

void UnitCorpus::add(Token token, std::string_view piece, std::optional<std::uint32_t> label) {
  if (text.size() + piece.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Status::bad_file, name + ": expected at most 4 GB of text, found more");
  }
  text += piece;
  ends.push_back(static_cast<std::uint32_t>(text.size()));
  sequences.tokens.push_back(token);
  if (label) sequences.labels.push_back(*label);
}

std::pair<std::size_t, std::size_t> UnitCorpus::sequence_of(std::size_t place) const {
  const auto next = std::ranges::upper_bound(sequences.starts, place);
  return {*(next - 1), *next};
}

UnitCorpus read_unit_corpus(const Model& model, std::string_view text, const std::string& name) try {
  expect_text(model.config(), name);
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  UnitCorpus corpus;
  corpus.name = name;
  const std::vector<Token> mark = model.begin_tokens();
  corpus.apart = !model.reset_at().empty() && !mark.empty();
  std::string clean;
  TextCleaner(name, model.vocabulary().text().lossy).clean(text, true, clean);
  // Some lines at a time, so that the pieces of a long text are not all there at once.
  for (std::size_t at = 0; at < clean.size();) {
    const std::size_t end = at + kPiece < clean.size() ? clean.find('\n', at + kPiece) : clean.npos;
    const std::size_t count = end == clean.npos ? clean.size() - at : end + 1 - at;
    std::vector<std::string> pieces;
    const std::vector<Token> tokens = model.vocabulary().encode(std::string_view(clean).substr(at, count), &pieces);
    for (std::size_t i = 0; i < tokens.size(); ++i) corpus.add(tokens[i], pieces[i]);
    at += count;
  }
  const std::vector<Token>& all = corpus.sequences.tokens;
  for (std::size_t p = 1; corpus.apart && p + mark.size() <= all.size(); ++p) {
    if (std::equal(mark.begin(), mark.end(), all.begin() + static_cast<std::ptrdiff_t>(p))) {
      corpus.sequences.starts.push_back(p);
    }
  }
  if (corpus.size() > 0) corpus.end_sequence();
  return corpus;
} catch (...) {
  rethrow_as_error("read_unit_corpus");
}

UnitFinder::Impl::Impl(const Model& m, UnitCorpus c, const UnitsOptions& options)
    : model(m), corpus(std::move(c)), state(options.state), layers(unit_layers(model, backward)) {
  expect_text(model.config(), "units");
  if (corpus.size() == 0) throw Error(Status::bad_file, corpus.name + ": expected a text, found none");
  expect_state(layers, state);
  std::size_t units = 0;
  for (const UnitLayer& layer : layers) units += layer.units;
  features = unit_features(corpus, model.vocabulary().text().level == Level::character);
  const std::uint64_t each =
      units + features.numbers.size() + sizeof(std::uint32_t) * (corpus.sequences.labels.empty() ? 2 : 3);
  memory = corpus.size() * each + corpus.text.size();
  if (memory > options.memory) {
    throw Error(Status::usage, corpus.name + ": expected at most " + gigabytes(options.memory) +
                                   " of states, a byte for each of " + std::to_string(units) +
                                   " units at each place, found " + gigabytes(memory) + ": a shorter text would fit");
  }
  states = UnitStates(layers, corpus.size());
  Team team(options.threads);
  bool finite = true;
  read_states(model, corpus, state, team, options.go_on, [&](std::size_t layer, const StateWindow& window) {
    finite = states.keep(layer, window, team) && finite;
  });
  if (!finite) throw Error(Status::failed, corpus.name + ": expected states that are finite, found others");
  facts = measure(team);
}

UnitFinder::UnitFinder(const Model& model, UnitCorpus corpus, const UnitsOptions& options) try
    : impl_(std::make_unique<Impl>(model, std::move(corpus), options)) {
} catch (...) {
  rethrow_as_error("units");
}

UnitFinder::~UnitFinder() = default;
UnitFinder::UnitFinder(UnitFinder&&) noexcept = default;

const Model& UnitFinder::model() const { return impl_->model; }
const UnitCorpus& UnitFinder::corpus() const { return impl_->corpus; }
std::size_t UnitFinder::state() const { return impl_->state; }
std::span<const UnitLayer> UnitFinder::layers() const { return impl_->layers; }
std::span<const UnitFeature> UnitFinder::features() const { return impl_->features.names; }
std::uint64_t UnitFinder::memory() const { return impl_->memory; }
std::span<const UnitFacts> UnitFinder::units() const { return impl_->facts; }
const UnitFacts& UnitFinder::facts(const Unit& unit) const { return impl_->facts[impl_->number(unit)]; }

std::vector<UnitPlace> UnitFinder::extremes(const Unit& unit, bool lowest, std::size_t count) const try {
  const std::size_t number = impl_->number(unit);
  const std::span<const std::int8_t> bytes = impl_->states.bytes(number);
  const int sign = lowest ? -1 : 1;
  // The first greatest of each block; then by falling value.
  constexpr std::size_t kValues = 256;
  std::vector<std::vector<std::size_t>> by_value(kValues);
  for (std::size_t first = 0; first < bytes.size(); first += kApart) {
    const std::span<const std::int8_t> block = bytes.subspan(first, std::min(kApart, bytes.size() - first));
    const auto found = lowest ? std::ranges::min_element(block) : std::ranges::max_element(block);
    const int rank = 128 + sign * *found;
    by_value[static_cast<std::size_t>(rank)].push_back(first + static_cast<std::size_t>(found - block.begin()));
  }
  std::vector<UnitPlace> chosen;
  const auto far = [&](std::size_t at) {
    return std::ranges::all_of(
        chosen, [&](const UnitPlace& other) { return std::max(at, other.at) - std::min(at, other.at) >= kApart; });
  };
  for (std::size_t value = kValues; value-- > 0 && chosen.size() < count;) {
    const std::vector<std::size_t>& places = by_value[value];
    const std::size_t wanted = count - chosen.size();
    // Of more equal ones than are wanted, evenly spread.
    const bool more = places.size() > wanted;
    for (std::size_t i = 0; i < (more ? wanted : places.size()); ++i) {
      const std::size_t at = places[more ? i * places.size() / wanted : i];
      if (far(at)) chosen.push_back({at, impl_->states.step(number) * bytes[at]});
    }
  }
  return chosen;
} catch (...) {
  rethrow_as_error("extremes");
}

std::vector<double> UnitFinder::values(const Unit& unit, std::size_t first, std::size_t last) const try {
  const std::size_t number = impl_->number(unit);
  impl_->expect_range(impl_->corpus, first, last);
  std::vector<double> values;
  for (std::size_t p = first; p <= last; ++p) {
    values.push_back(impl_->states.step(number) * impl_->states.bytes(number)[p]);
  }
  return values;
} catch (...) {
  rethrow_as_error("values");
}

void UnitFinder::Impl::expect_range(const UnitCorpus& of, std::size_t first, std::size_t last) const {
  const std::size_t end = of.size();
  if (first >= end) refuse_question("first", "a place 0 to " + std::to_string(end - 1), first);
  if (last < first || last >= end) {
    refuse_question("last", "a place " + std::to_string(first) + " to " + std::to_string(end - 1), last);
  }
}

}  // namespace sluice
