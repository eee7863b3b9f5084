#include "train/windows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/random.h"
#include "base/sentence.h"
#include "model/streams.h"

namespace sluice {
namespace {

constexpr std::uint64_t kOrderStream = std::uint64_t{1} << 40;  // of random numbers; one a pass

template <class T>
void shuffle(std::span<T> all, Random& random) {
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
}

template <class T>
void append(const std::vector<T>& from, std::size_t row, std::size_t width, std::vector<T>& to) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(row * width);
  to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
}

}  // namespace

std::size_t target_rows(const Window& window, std::size_t outputs) {
  return window.targets.numbers.empty() ? window.targets.tokens.size() : window.targets.numbers.size() / outputs;
}

State& StreamWindows::before(State& streams, const Network& network) {
  if (begins_ && network.learns_initial_state()) streams = network.initial_state(streams.batch());
  return streams;
}

Window StreamWindows::fill(std::size_t k, std::uint64_t) {
  begins_ = k == 0;
  if (!batches_.of_text()) {
    batches_.window(k, x_, y_);
    return {x_, y_, batches_.steps_of(k), batches_.batch(), {}, k == 0};
  }
  batches_.window(k, inputs_, targets_);
  return {inputs_, targets_, batches_.steps_of(k), batches_.batch(), {}, k == 0};
}

Window SeparateWindows::fill(std::size_t k, std::uint64_t pass) {
  const Window whole = StreamWindows::fill(k, pass);
  steps_ = whole.steps;
  cut(k);
  lengths_.clear();
  for (const Piece& piece : pieces_) lengths_.push_back(static_cast<std::uint32_t>(piece.length()));
  entries_.clear();
  for (std::size_t t = 0; t < lengths_.front(); ++t) {
    for (const Piece& piece : pieces_) {
      if (piece.length() <= t) break;
      entries_.push_back((piece.first + t) * batch() + piece.stream);
    }
  }
  inputs_.clear();
  targets_.clear();
  for (const std::size_t entry : entries_) {
    inputs_.push_back(whole.inputs.tokens[entry]);
    targets_.push_back(whole.targets.tokens[entry]);
  }
  return {inputs_, targets_, lengths_.front(), pieces_.size(), lengths_, std::ranges::all_of(pieces_, &Piece::fresh)};
}

void SeparateWindows::cut(std::size_t k) {
  pieces_.clear();
  for (std::size_t b = 0; b < batch(); ++b) {
    Piece piece{b, 0, 0, batches().begins(k, 0, b)};
    for (std::size_t t = 1; t <= steps_; ++t) {
      if (t < steps_ && !batches().begins(k, t, b)) continue;
      piece.last = t;
      pieces_.push_back(piece);
      piece = {b, t, 0, true};
    }
  }
  std::ranges::stable_sort(pieces_, std::greater<>(), &Piece::length);
}

State& SeparateWindows::before(State& streams, const Network& network) {
  state_ = network.initial_state(pieces_.size());
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (pieces_[i].first == 0 && !pieces_[i].fresh) copy_stream(streams, pieces_[i].stream, state_, i);
  }
  return state_;
}

void SeparateWindows::after(State& streams) {
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (pieces_[i].last == steps_) copy_stream(state_, i, streams, pieces_[i].stream);
  }
}

Batches validation_batches(std::span<const Token> tokens, std::size_t context, const TrainOptions& options,
                           const std::string& name) {
  const std::size_t streams = options.validation_streams;
  if (streams == 0) return Batches::parts(tokens.subspan(context), options.batch, options.steps, name);
  return Batches::warm_parts(tokens, context, streams, options.steps, kWarmUp, name);
}

std::unique_ptr<StreamWindows> windows_of(Batches batches) {
  if (batches.separated()) return std::make_unique<SeparateWindows>(std::move(batches));
  return std::make_unique<StreamWindows>(std::move(batches));
}

SequenceWindows::SequenceWindows(const Sequences& sequences, const Network& network, std::size_t batch,
                                 ToPredict targets)
    : all_(sequences),
      batch_(batch),
      outputs_(network.targets()),
      classes_(network.head().classes()),
      whole_(network.config().head.at != "steps"),
      spells_(network.config().spelling.characters > 0),
      shuffles_(false),
      with_targets_(targets == ToPredict::read) {
  rows_ = whole_ ? all_.size() : all_.steps();
  if (classes_) rows_ -= static_cast<std::uint64_t>(std::ranges::count(all_.labels, kIgnoredLabel));
  for (std::size_t at = 0; !classes_ && with_targets_ && at < all_.targets.size(); at += outputs_) {
    rows_ -= any_there(std::span(all_.targets).subspan(at, outputs_)) ? 0 : 1;
  }
}

bool SequenceWindows::any_there(std::span<const float> numbers) {
  return !std::ranges::all_of(numbers, [](float number) { return std::isnan(number); });
}

SequenceWindows::SequenceWindows(const Sequences& sequences, const Network& network, std::size_t batch,
                                 std::uint64_t seed)
    : SequenceWindows(sequences, network, batch) {
  shuffles_ = true;
  seed_ = seed;
}

void SequenceWindows::order(std::uint64_t pass) {
  order_.resize(all_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  places_.resize(count());
  for (std::size_t k = 0; k < count(); ++k) places_[k] = k * batch_;
  const auto longer = [&](std::size_t a, std::size_t b) { return all_.length(a) > all_.length(b); };
  if (!shuffles_) {
    std::ranges::stable_sort(order_, longer);
    return;
  }
  Random random(seed_, kOrderStream + pass);
  shuffle(std::span(order_), random);
  for (std::size_t first = 0; first < order_.size(); first += kPool * batch_) {
    const std::size_t size = std::min(kPool * batch_, order_.size() - first);
    std::ranges::stable_sort(std::span(order_).subspan(first, size), longer);
  }
  shuffle(std::span(places_), random);
}

Window SequenceWindows::fill(std::size_t k, std::uint64_t pass) {
  if (!shuffles_) pass = 0;
  if (pass != pass_) order(pass);
  pass_ = pass;
  const std::size_t first = places_[k];
  batch_now_ = std::span(order_).subspan(first, std::min(batch_, order_.size() - first));
  gather();
  Window window;
  window.inputs = all_.inputs > 0 ? Rows(values_) : Rows(tokens_);
  window.words = words_;
  if (spells_) window.spellings = &all_.spellings;
  window.targets = classes_ ? Rows(labels_) : Rows(targets_);
  window.targets.weights = weights_;
  window.steps = lengths_.front();
  window.batch = lengths_.size();
  window.lengths = lengths_;
  window.begins = true;
  return window;
}

State& SequenceWindows::before(State&, const Network& network) {
  return state_ = network.initial_state(batch_now_.size());
}

// The rows of a step are those of the sequences that are as long.
void SequenceWindows::gather() {
  lengths_.clear();
  for (const std::size_t s : batch_now_) lengths_.push_back(static_cast<std::uint32_t>(all_.length(s)));
  values_.clear();
  tokens_.clear();
  words_.clear();
  labels_.clear();
  targets_.clear();
  weights_.clear();
  const auto target = [&](std::size_t row) {
    if (!with_targets_) return;
    if (!all_.weights.empty()) weights_.push_back(all_.weights[row]);
    if (classes_ && !all_.labels.empty()) labels_.push_back(all_.labels[row]);
    if (!classes_ && !all_.targets.empty()) append(all_.targets, row, outputs_, targets_);
  };
  for (std::size_t t = 0; t < lengths_.front(); ++t) {
    for (std::size_t b = 0; b < batch_now_.size() && lengths_[b] > t; ++b) {
      const std::size_t row = all_.starts[batch_now_[b]] + t;
      if (all_.inputs > 0) {
        append(all_.values, row, all_.inputs, values_);
      } else {
        tokens_.push_back(all_.tokens[row]);
        if (spells_) words_.push_back(all_.words[row]);
      }
      if (!whole_) target(row);
    }
  }
  if (!whole_) return;
  for (const std::size_t s : batch_now_) target(s);
}

void check_targets(const Network& network, std::span<const float> targets, const std::string& name) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const float value = targets[i];
    const char* expected = std::isinf(value) ? "finite numbers" : network.head().unfit(value);
    if (expected == nullptr) continue;
    Sentence text;
    text << name << ": expected targets that are " << expected << ", found " << static_cast<double>(value) << " in row "
         << i / network.targets() + 1;
    throw Error(Status::usage, text.str());
  }
}

namespace {

// The words of the steps, where the network spells them.
template <class Expect>
void check_spelling(const Config& config, const Sequences& all, const Expect& expect) {
  const std::size_t characters = config.spelling.characters;
  if (characters == 0) return;
  const Spellings& spellings = all.spellings;
  expect(!spellings.starts.empty(), "spellings that begin at 0, found none");
  expect(all.words.size() == all.steps(), "the spelling of each of ", all.steps(), " words, found ", all.words.size());
  const auto bad = std::ranges::find_if(all.words, [&](std::uint32_t word) { return word >= spellings.size(); });
  expect(bad == all.words.end(), "words below ", spellings.size(), ", as many as are spelt, found ",
         bad == all.words.end() ? 0 : *bad);
  expect(spellings.starts.front() == 0 && spellings.starts.back() == spellings.characters.size(), "spellings of ",
         spellings.starts.back(), " characters, found ", spellings.characters.size());
  for (std::size_t word = 0; word < spellings.size(); ++word) {
    const std::size_t first = spellings.starts[word], last = spellings.starts[word + 1];
    expect(first < last && last - first <= 0xffffffffu, "spellings of 1 character or more, found ",
           first == last ? "an empty one, number " : "a wrong length of number ", word + 1);
  }
  const auto other = std::ranges::find_if(spellings.characters, [&](std::uint32_t c) { return c >= characters; });
  expect(other == spellings.characters.end(), "characters below ", characters, ", found ",
         other == spellings.characters.end() ? 0 : *other);
}

}  // namespace

void check_fits(const Network& network, const Sequences& all, bool targets) {
  const auto expect = [&](bool holds, const auto&... parts) {
    if (holds) return;
    Sentence text;
    text << all.name << ": expected ";
    (text << ... << parts);
    throw Error(Status::usage, text.str());
  };
  const Config& config = network.config();
  expect(all.size() > 0, "1 sequence or more, found none");
  expect(all.inputs == config.inputs, config.inputs, config.inputs == 0 ? " (tokens)" : "", " numbers a step, found ",
         all.inputs);
  for (std::size_t s = 0; s < all.size(); ++s) {
    expect(all.starts[s] < all.starts[s + 1] && all.length(s) <= 0xffffffffu, "sequences of 1 step or more, found ",
           all.starts[s + 1] == all.starts[s] ? "an empty one, number " : "a wrong length of number ", s + 1);
  }
  const std::size_t steps = all.steps();
  if (config.inputs > 0) {
    expect(all.values.size() == steps * all.inputs, steps * all.inputs, " numbers for ", steps, " steps, found ",
           all.values.size());
    const auto bad = std::ranges::find_if(all.values, [](float v) { return !std::isfinite(v); });
    expect(bad == all.values.end(), "finite numbers, found another at step ",
           static_cast<std::size_t>(bad - all.values.begin()) / std::max<std::size_t>(1, all.inputs) + 1);
  } else {
    expect(all.tokens.size() == steps, steps, " tokens for as many steps, found ", all.tokens.size());
    const auto bad = std::ranges::find_if(all.tokens, [&](Token token) { return token >= network.vocabulary(); });
    expect(bad == all.tokens.end(), "tokens below ", network.vocabulary(), ", found ",
           bad == all.tokens.end() ? 0 : *bad);
    check_spelling(config, all, expect);
  }
  if (!targets) return;
  const bool whole = config.head.at != "steps";
  const std::size_t rows = whole ? all.size() : steps;
  if (!all.weights.empty()) {
    expect(all.weights.size() == rows, rows, " weights, found ", all.weights.size());
    expect(std::ranges::all_of(all.weights, [](float w) { return std::isfinite(w) && w >= 0; }),
           "finite weights of 0 or more, found others");
    expect(std::ranges::any_of(all.weights, [](float w) { return static_cast<double>(w) > kLeastWeight; }),
           "a weight above 0, found none");
  }
  if (network.head().classes()) {
    expect(all.labels_per_step != whole || all.labels.empty(), "a label for every ", whole ? "sequence" : "step",
           ", found one for every ", whole ? "step" : "sequence");
    expect(all.labels.size() == rows, rows, " labels, found ", all.labels.size());
    const auto bad = std::ranges::find_if(
        all.labels, [&](std::uint32_t label) { return label != kIgnoredLabel && label >= network.targets(); });
    expect(bad == all.labels.end(), "labels below ", network.targets(), ", found ", bad == all.labels.end() ? 0 : *bad);
    const Targets labels = {all.labels, {}, all.weights};
    bool counts = false;
    for (std::size_t i = 0; i < rows && !counts; ++i) {
      counts = network.head().weight(labels, network.targets(), i) > kLeastWeight;
    }
    expect(counts, "a label or more that counts, found none");
    return;
  }
  expect(all.targets_per_step != whole || all.targets.empty(), "targets for every ", whole ? "sequence" : "step",
         ", found some for every ", whole ? "step" : "sequence");
  expect(all.outputs == network.targets(), network.targets(), " numbers a target, found ", all.outputs);
  expect(all.targets.size() == rows * all.outputs, rows * all.outputs, " numbers as targets, found ",
         all.targets.size());
  check_targets(network, all.targets, all.name);
  expect(!std::ranges::all_of(all.targets, [](float v) { return std::isnan(v); }),
         "a target or more that counts, found none");
}

}  // namespace sluice
