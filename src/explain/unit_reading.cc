#include "explain/unit_reading.h"

#include <algorithm>
#include <numeric>

#include "explain/facts.h"
#include "explain/reading.h"
#include "model/layout.h"
#include "model/model_access.h"
#include "model/streams.h"

namespace sluice {
namespace {

// Of a running text: parts side by side, each read from some places before its own, so that its first states are those
// of a text that is under way.
constexpr std::size_t kStreams = 32, kLeast = 1024, kBefore = 256, kSteps = 64;
// Of sequences: rows of a batch, and how many there are.
constexpr std::size_t kRows = 4096, kMostSequences = 256;

class Reader {
 public:
  Reader(const Model& model, const UnitCorpus& corpus, std::size_t state, Team& team,
         const std::function<bool(double)>& go_on, const std::function<void(std::size_t, const StateWindow&)>& keep)
      : network_(network_of(model)),
        model_(model),
        corpus_(corpus),
        state_(static_cast<int>(state)),
        team_(team),
        go_on_(go_on),
        keep_(keep) {
    unit_layers(model, backward_);
  }

  // Many sequences, each whole.
  void read_apart() {
    const Sequences& all = corpus_.sequences;
    std::vector<std::size_t> order;
    for (std::size_t s = 0; s < all.size(); ++s) {
      if (all.length(s) > 0) order.push_back(s);
    }
    std::ranges::sort(
        order, [&](std::size_t a, std::size_t b) { return std::pair(all.length(b), a) < std::pair(all.length(a), b); });
    for (std::size_t first = 0; first < order.size();) {
      const std::size_t longest = all.length(order[first]);
      const std::size_t most = std::clamp<std::size_t>(kRows / longest, 1, kMostSequences);
      const std::size_t count = std::min(most, order.size() - first);
      read_batch(std::span(order).subspan(first, count));
      first += count;
    }
  }

  // One text in parts.
  void read_running() {
    const std::span<const Token> tokens = corpus_.sequences.tokens;
    const std::size_t places = tokens.size(), streams = std::clamp<std::size_t>(places / kLeast, 1, kStreams);
    const auto cut = [&](std::size_t stream) { return places * stream / streams; };
    const auto begin = [&](std::size_t stream) { return cut(stream) - std::min(cut(stream), kBefore); };
    const State start = state_before(model_, tokens_before(model_, tokens));
    State state = network_.initial_state(streams);
    std::size_t longest = 0;
    for (std::size_t b = 0; b < streams; ++b) {
      copy_stream(start, 0, state, b);
      longest = std::max(longest, cut(b + 1) - begin(b));
    }
    std::vector<Token> inputs;
    std::vector<StateRun> runs;
    for (std::size_t first = 0; first < longest; first += kSteps) {
      const std::size_t steps = std::min(kSteps, longest - first);
      inputs.resize(steps * streams);
      runs.clear();
      for (std::size_t b = 0; b < streams; ++b) {
        for (std::size_t t = 0; t < steps; ++t) {
          inputs[t * streams + b] = tokens[std::min(begin(b) + first + t, cut(b + 1) - 1)];
        }
        const std::size_t from = std::max(begin(b) + first, cut(b)),
                          to = std::min(begin(b) + first + steps, cut(b + 1));
        if (from < to) runs.push_back({from, to - from, b, from - begin(b) - first});
      }
      network_.forward(inputs, steps, streams, state, workspace_, team_);
      give(runs, steps * streams, longest * streams);
    }
  }

 private:
  void read_batch(std::span<const std::size_t> batch) {
    const Sequences& all = corpus_.sequences;
    std::vector<std::uint32_t> lengths, tokens, words;
    std::vector<StateRun> runs;
    for (const std::size_t s : batch) {
      lengths.push_back(static_cast<std::uint32_t>(all.length(s)));
      runs.push_back({all.starts[s], all.length(s), runs.size(), 0});
    }
    for (std::size_t t = 0; t < lengths.front(); ++t) {
      for (std::size_t i = 0; i < batch.size() && lengths[i] > t; ++i) {
        tokens.push_back(all.tokens[all.starts[batch[i]] + t]);
        if (!all.words.empty()) words.push_back(all.words[all.starts[batch[i]] + t]);
      }
    }
    Window window;
    window.inputs = Rows(tokens);
    window.steps = lengths.front();
    window.batch = batch.size();
    window.lengths = lengths;
    window.words = words;
    window.spellings = &all.spellings;
    State state = network_.initial_state(batch.size());
    network_.forward(window, state, workspace_, team_);
    give(runs, tokens.size(), all.tokens.size());
  }

  void give(const std::vector<StateRun>& runs, std::size_t rows, std::size_t of) {
    for (std::size_t l = 0; l < backward_.size(); ++l) {
      const Sequence sequence = network_.sequence(l, workspace_);
      keep_(l, {sequence, state_, backward_[l], runs});
    }
    done_ += rows;
    if (!go_on_ || go_on_(static_cast<double>(done_) / static_cast<double>(of))) return;
    throw Error(Status::failed, "units: expected to go on, found that it should stop");
  }

  const Network& network_;
  const Model& model_;
  const UnitCorpus& corpus_;
  const int state_;
  Team& team_;
  const std::function<bool(double)>& go_on_;
  const std::function<void(std::size_t, const StateWindow&)>& keep_;
  std::vector<bool> backward_;
  Workspace workspace_;
  std::size_t done_ = 0;
};

}  // namespace

std::vector<UnitLayer> unit_layers(const Model& model, std::vector<bool>& backward) {
  std::vector<UnitLayer> layers;
  std::size_t number = 0;
  for (const LayerConfig& layer : layers_of(model.config())) {
    ++number;
    if (layer.kind != "recurrent") continue;
    const std::vector<int> directions = directions_of(layer);
    for (const int direction : directions) {
      const bool back = direction < 0;
      std::string name = std::to_string(number);
      if (back || directions.size() > 1) name += back ? " backward" : " forward";
      layers.push_back({std::move(name), layer.cell, layer.units});
      backward.push_back(back);
    }
  }
  return layers;
}

void read_states(const Model& model, const UnitCorpus& corpus, std::size_t state, Team& team,
                 const std::function<bool(double)>& go_on,
                 const std::function<void(std::size_t, const StateWindow&)>& keep) {
  const FlushDenormals flush;
  Reader reader(model, corpus, state, team, go_on, keep);
  if (corpus.apart) {
    reader.read_apart();
  } else {
    reader.read_running();
  }
}

}  // namespace sluice
