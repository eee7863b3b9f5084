// Which words a prediction depends on, and how long a word's trace lives.
//
// Gradient and gradient times input: Simonyan, Vedaldi & Zisserman 2014, arXiv 1312.6034; Li, Chen, Hovy & Jurafsky
// 2016, arXiv 1506.01066. Leave one out: Li, Monroe & Jurafsky 2016, arXiv 1612.08220.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/failure.h"
#include "explain/facts.h"
#include "explain/reading.h"
#include "model/model_access.h"

namespace sluice {
namespace {

constexpr std::size_t kTogether = 16;       // variants of a text that are read side by side
constexpr std::size_t kReplacements = 4;    // other words in a word's place,
constexpr std::size_t kMostVariants = 400;  // fewer where that would be more variants of the text

void measure_gradients(const TextFrom& text, Workspace& workspace, Team& team, Connectivity& out) {
  const auto& [model, start, tokens] = text;
  const Network& network = network_of(model);
  const std::size_t e = network.config().embedding;
  std::vector<float> dx(tokens.size() * e);
  const double log_p = network.input_gradient(tokens, out.answer, start, dx, workspace, team);
  out.probability = std::exp(log_p);
  const std::span<const float> table = network.parameters()[0];
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const float* x = table.data() + tokens[t] * e;
    double norm = 0, along = 0;
    for (std::size_t i = 0; i < e; ++i) {
      const auto d = static_cast<double>(dx[t * e + i]);
      norm += d * d;
      along += d * static_cast<double>(x[i]);
    }
    out.gradient.push_back(std::sqrt(norm));
    out.along.push_back(along);
  }
}

// Another token in a word's place.
struct Variant {
  std::size_t at;
  Token token;
};

// A text that was read, and what its variants are read with.
struct Read {
  const TextFrom& text;
  const GateTrace& trace;
  Workspace& workspace;
  Team& team;
  const std::function<bool()>& go_on;
};

// What becomes of the prediction with each variant, a batch of them side by side: they stand by rising `at`, and are
// read on from where the first of them differs. Calls f(variant, logits).
template <class F>
void read_variants(const Read& read, std::span<const Variant> variants, F&& f) {
  const auto& [text, trace, workspace, team, go_on] = read;
  const Model& model = text.model;
  const std::span<const Token> tokens = text.tokens;
  for (std::size_t start = 0; start < variants.size(); start += kTogether) {
    expect_going(go_on);
    const std::span<const Variant> some = variants.subspan(start, std::min(kTogether, variants.size() - start));
    const std::size_t batch = some.size(), first = some.front().at, steps = tokens.size() - first;
    std::vector<Token> inputs(steps * batch);
    for (std::size_t t = 0; t < steps; ++t) {
      for (std::size_t b = 0; b < batch; ++b) {
        inputs[t * batch + b] = first + t == some[b].at ? some[b].token : tokens[first + t];
      }
    }
    State state = state_after(text, trace, first, batch);
    network_of(model).forward(inputs, steps, batch, state, workspace, team);
    const std::span<const float> logits = network_of(model).logits((steps - 1) * batch, batch, workspace, team);
    const std::size_t stride = logits.size() / batch;
    for (std::size_t b = 0; b < batch; ++b) f(start + b, logits.subspan(b * stride, stride));
  }
}

void leave_out(const Read& read, Connectivity& out) {
  const Model& model = read.text.model;
  const std::span<const Token> tokens = read.text.tokens;
  std::vector<Variant> variants;
  for (std::size_t at = 0; at < tokens.size(); ++at) variants.push_back({at, Vocabulary::unknown});
  read_variants(read, variants, [&](std::size_t i, std::span<const float> row) {
    const bool same = tokens[i] == Vocabulary::unknown;
    out.leave_one_out.push_back(same ? 0 : std::log(out.probability) - log_probability(row, out.answer));
    out.without.push_back(choose(row, model.vocabulary().size(), 1).front());
  });
}

std::size_t replacements_of_each(std::span<const Token> tokens) {
  return std::clamp<std::size_t>(kMostVariants / tokens.size(), 1, kReplacements);
}

// Of every word, tokens of the corpus; <unk> where it has no other.
std::vector<std::vector<Token>> corpus_words(const CorpusWords& words, std::span<const Token> before,
                                             std::span<const Token> tokens) {
  std::vector<std::vector<Token>> drawn;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    std::optional<Token> previous;
    if (t > 0 || !before.empty()) previous = t > 0 ? tokens[t - 1] : before.back();
    drawn.push_back(words.draw(previous, tokens[t], t, replacements_of_each(tokens)));
    if (drawn.back().empty()) drawn.back() = {Vocabulary::unknown};
  }
  return drawn;
}

// Of every word, the tokens that the model expected most in its place, but for itself and <unk>. Those of the last
// forward() are in the workspace.
std::vector<std::vector<Token>> likely_words(const Model& model, std::span<const Token> tokens, Workspace& workspace,
                                             Team& team) {
  const std::size_t count = replacements_of_each(tokens);
  std::vector<std::vector<Token>> likely(tokens.size());
  likely[0] = {Vocabulary::unknown};
  for (std::size_t t = 1; t < tokens.size(); ++t) {
    const std::span<const float> logits = network_of(model).logits(t - 1, 1, workspace, team);
    likely[t] = likely_others(logits, model.vocabulary().size(), tokens[t], count);
  }
  return likely;
}

void replace(const Read& read, Connectivity& out) {
  const std::span<const Token> tokens = read.text.tokens;
  std::vector<Variant> variants;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    for (const Token token : out.replacements[at]) variants.push_back({at, token});
  }
  out.replaced.assign(tokens.size(), 0);
  read_variants(read, variants, [&](std::size_t i, std::span<const float> row) {
    const std::size_t at = variants[i].at;
    if (variants[i].token == tokens[at]) return;
    const double lost = std::log(out.probability) - log_probability(row, out.answer);
    out.replaced[at] += lost / static_cast<double>(out.replacements[at].size());
  });
}

double distance(const float* a, const float* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return std::sqrt(sum);
}

std::size_t last_half(const std::vector<double>& distances) {
  const double half = *std::max_element(distances.begin(), distances.end()) / 2;
  std::size_t last = 0;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (distances[i] >= half) last = i;
  }
  return last;
}

}  // namespace

Connectivity connect(const TextFrom& text, std::optional<Token> answer, bool leave_one_out,
                     const std::function<bool()>& go_on, const CorpusWords* words, std::span<const Token> before) {
  const Model& model = text.model;
  const std::span<const Token> tokens = text.tokens;
  expect_words(model, tokens);
  if (answer) expect_words(model, {&*answer, 1});
  Workspace workspace;
  Team alone(1);
  Connectivity out;
  out.at = tokens.size() - 1;
  GateTrace trace;
  if (leave_one_out || !answer) trace = trace_of(text, workspace, alone);
  if (!answer) {
    const std::span<const float> logits = network_of(model).logits(out.at, 1, workspace, alone);
    answer = choose(logits, model.vocabulary().size(), 1).front().token;
  }
  out.answer = *answer;
  expect_going(go_on);
  out.from_corpus = leave_one_out && words != nullptr;
  if (leave_one_out) {
    out.replacements =
        words != nullptr ? corpus_words(*words, before, tokens) : likely_words(model, tokens, workspace, alone);
  }
  measure_gradients(text, workspace, alone, out);
  if (leave_one_out) {
    const Read read{text, trace, workspace, alone, go_on};
    leave_out(read, out);
    replace(read, out);
  }
  return out;
}

Horizon horizon(const TextFrom& text, std::size_t at, Token with) {
  const auto& [model, start, tokens] = text;
  expect_words(model, tokens);
  expect_words(model, {&with, 1});
  if (at >= tokens.size()) {
    throw Error(Status::usage, "horizon: expected a " + std::string(unit_name(model)) + " 0 to " +
                                   std::to_string(tokens.size() - 1) + ", found " + std::to_string(at));
  }
  Workspace workspace;
  Team alone(1);
  const GateTrace before = trace_of(text, workspace, alone);
  std::vector<Token> other(tokens.begin(), tokens.end());
  other[at] = with;
  const GateTrace after = trace_of({model, start, other}, workspace, alone);
  Horizon out{at, with, {}};
  const std::size_t h = before.hidden;
  for (std::size_t l = 0; l < before.layers.size(); ++l) {
    const LayerTrace &a = before.layers[l], &b = after.layers[l];
    HorizonLayer& layer = out.layers.emplace_back();
    for (std::size_t t = at; t < tokens.size(); ++t) {
      layer.hidden.push_back(distance(&a.hidden[t * h], &b.hidden[t * h], h));
      if (!a.memory.empty()) layer.memory.push_back(distance(&a.memory[t * h], &b.memory[t * h], h));
    }
    layer.words = last_half(layer.memory.empty() ? layer.hidden : layer.memory);
  }
  return out;
}

Connectivity connect(const Model& model, std::span<const Token> tokens, std::optional<Token> answer, bool leave_one_out,
                     const std::function<bool()>& go_on) try {
  const State empty = model.initial_state();
  return connect(TextFrom{model, empty, tokens}, answer, leave_one_out, go_on);
} catch (...) {
  rethrow_as_error("connect");
}

Horizon horizon(const Model& model, std::span<const Token> tokens, std::size_t at, Token with) try {
  const State empty = model.initial_state();
  return horizon(TextFrom{model, empty, tokens}, at, with);
} catch (...) {
  rethrow_as_error("horizon");
}

}  // namespace sluice
