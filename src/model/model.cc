// A model: what stands around its network, and who shares it.
#include <algorithm>
#include <atomic>
#include <charconv>

#include "base/failure.h"
#include "model/config.h"
#include "model/model_access.h"
#include "model/recurrent_layer.h"
#include "sluice/model.h"

namespace sluice {

Model::Model(const Config& config, Vocabulary vocabulary, std::uint64_t seed) try
    : vocabulary_(std::make_shared<const Vocabulary>(std::move(vocabulary))) {
  if (config.inputs > 0) {
    throw Error(Status::usage,
                "inputs: expected 0 for a model with a vocabulary, found " + std::to_string(config.inputs));
  }
  network_ = std::make_shared<Network>(config, vocabulary_->size(), seed);
} catch (...) {
  rethrow_as_error("model");
}
Model::Model(const Config& config, std::uint64_t seed) try : vocabulary_(std::make_shared<const Vocabulary>()) {
  if (config.inputs == 0) throw Error(Status::usage, "inputs: expected 1 or more for a model on numbers, found 0");
  network_ = std::make_shared<Network>(config, 0, seed);
} catch (...) {
  rethrow_as_error("model");
}
Model::Model(std::shared_ptr<Network> network, Vocabulary vocabulary)
    : vocabulary_(std::make_shared<const Vocabulary>(std::move(vocabulary))), network_(std::move(network)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::Model(const Model& other) try
    : vocabulary_(other.vocabulary_),
      notes_(other.notes_),
      network_(other.shares_ ? other.network_ : std::make_shared<Network>(*other.network_)) {
} catch (...) {
  rethrow_as_error("model");
}
Model& Model::operator=(const Model& other) {
  if (this != &other) *this = Model(other);
  return *this;
}

Network& ModelAccess::own_network(Model& model) {
  std::shared_ptr<Network>& network = model.network_;
  if (network.use_count() > 1) {
    network = std::make_shared<Network>(*network);
  } else {
    // The last of the others may have gone on another thread: what it read, it read before what comes here is written.
    std::atomic_thread_fence(std::memory_order_acquire);
  }
  return *network;
}

const Config& Model::config() const { return network_->config(); }
const CellInfo& Model::cell() const { return network_->cell(); }
const Vocabulary& Model::vocabulary() const { return *vocabulary_; }
std::size_t Model::parameter_count() const { return network_->parameters().count(); }
std::size_t Model::outputs() const { return network_->outputs(); }
bool Model::streams() const { return network_->streams(); }
std::uint64_t Model::fingerprint() const { return network_->fingerprint(); }
State Model::initial_state(std::size_t batch) const try {
  State state = network_->initial_state(batch);
  state.set_model(fingerprint());
  return state;
} catch (...) {
  rethrow_as_error("state");
}
// Of notes().
constexpr const char* kResetAt = "reset-at";
constexpr const char* kResetAtTokens = "reset-at-tokens";

namespace {

// "3 17" as numbers of tokens below `size`; empty where it is anything else.
std::vector<Token> tokens_in(const std::string& text, std::size_t size) {
  std::vector<Token> tokens;
  const char *at = text.data(), *const end = at + text.size();
  while (at < end) {
    Token token = 0;
    const auto [next, error] = std::from_chars(at, end, token);
    if (error != std::errc() || token >= size || (next != end && *next != ' ')) return {};
    tokens.push_back(token);
    at = next == end ? end : next + 1;
  }
  return tokens;
}

}  // namespace

std::vector<Token> Model::begin_tokens() const try {
  if (const auto mark = notes_.find(kResetAt); mark != notes_.end()) {
    if (const std::optional<Token> token = vocabulary().find(mark->second)) return {*token};
    if (const auto several = notes_.find(kResetAtTokens); several != notes_.end()) {
      std::vector<Token> tokens = tokens_in(several->second, vocabulary().size());
      if (!tokens.empty()) return tokens;
    }
  }
  const bool pretokenized = vocabulary().text().level == Level::pretokenized;
  const std::optional<Token> end = vocabulary().find(pretokenized ? Vocabulary::end_of_line : "\n");
  return end ? std::vector{*end} : std::vector<Token>();
} catch (...) {
  rethrow_as_error("begin_tokens");
}

void Model::set_precision(Precision precision) try {
  if (!shares_) throw Error(Status::usage, "precision: expected a model that is not in training, found one that is");
  const Format format = precision == Precision::bf16   ? Format::bf16_weights
                        : precision == Precision::int8 ? Format::int8
                                                       : Format::f32;
  Team alone(1);
  auto changed = std::make_shared<Network>(network_->config(), network_->vocabulary());
  changed->parameters() = network_->parameters();
  changed->set_format(format, alone);
  network_ = std::move(changed);
} catch (...) {
  rethrow_as_error("precision");
}

Precision Model::precision() const {
  switch (network_->format()) {
    case Format::f32:
      return Precision::f32;
    case Format::bf16:
    case Format::bf16_weights:
      return Precision::bf16;
    case Format::int8:
      return Precision::int8;
  }
  return Precision::f32;
}

std::string Model::reset_at() const try {
  const auto mark = notes_.find(kResetAt);
  return mark == notes_.end() ? std::string() : mark->second;
} catch (...) {
  rethrow_as_error("reset_at");
}

void Model::set_reset_at(const std::string& mark, std::span<const Token> tokens) try {
  std::string numbers;
  for (const Token token : tokens) (numbers += numbers.empty() ? "" : " ") += std::to_string(token);
  std::map<std::string, std::string> notes = notes_;
  notes.erase(kResetAt);
  notes.erase(kResetAtTokens);
  if (!mark.empty()) notes[kResetAt] = mark;
  if (tokens.size() > 1) notes[kResetAtTokens] = numbers;
  notes_ = std::move(notes);
} catch (...) {
  rethrow_as_error("set_reset_at");
}

const std::map<std::string, std::string>& Model::notes() const { return notes_; }
std::map<std::string, std::string>& Model::notes() { return notes_; }

namespace {

GateTrace trace_rows(const Network& network, const Rows& inputs, std::size_t steps) {
  if (steps == 0) {
    const auto layers = network.recurrent();
    return {0, layers.front()->shape().hidden, std::vector<LayerTrace>(layers.size())};
  }
  Workspace workspace;
  Team alone(1);
  State state = network.initial_state(1);
  network.forward(inputs, steps, 1, state, workspace, alone);
  return network.trace(workspace);
}

void expect_known(std::span<const Token> tokens, std::size_t size, const char* where) {
  const auto unknown = std::ranges::find_if(tokens, [size](Token token) { return token >= size; });
  if (unknown == tokens.end()) return;
  throw Error(Status::usage, std::string(where) + ": expected tokens below " + std::to_string(size) + ", found " +
                                 std::to_string(*unknown));
}

}  // namespace

GateTrace Model::trace(std::span<const Token> tokens) const try {
  expect_text(config(), "trace");
  expect_known(tokens, vocabulary().size(), "trace");
  return trace_rows(*network_, tokens, tokens.size());
} catch (...) {
  rethrow_as_error("trace");
}

GateTrace Model::trace(std::span<const float> x) const try {
  expect_numbers(config(), "trace");
  const std::size_t width = config().inputs;
  if (x.size() % width != 0) {
    throw Error(Status::usage, "trace: expected whole rows of " + std::to_string(width) + " numbers, found " +
                                   std::to_string(x.size()) + " numbers");
  }
  return trace_rows(*network_, x, x.size() / width);
} catch (...) {
  rethrow_as_error("trace");
}

Scores Model::score(std::span<const Token> tokens) const try {
  expect_language(config(), "score");
  expect_known(tokens, vocabulary().size(), "score");
  Scores scores;
  if (tokens.size() < 2) return scores;
  // Windows bound the memory; carrying the state makes their length of no account.
  constexpr std::size_t kSteps = 256;
  const std::size_t predicted = tokens.size() - 1;
  scores.nats.resize(predicted);
  scores.rank.resize(predicted);
  Workspace workspace;
  Team alone(1);
  State state = initial_state();
  for (std::size_t start = 0; start < predicted; start += kSteps) {
    const std::size_t steps = std::min(kSteps, predicted - start);
    network_->score({tokens.subspan(start, steps), tokens.subspan(start + 1, steps), steps, 1}, state,
                    std::span(scores.nats).subspan(start, steps), std::span(scores.rank).subspan(start, steps),
                    workspace, alone);
  }
  return scores;
} catch (...) {
  rethrow_as_error("score");
}

}  // namespace sluice
