#include "sluice/stream.h"

#include "base/failure.h"
#include "model/config.h"
#include "model/sampling.h"
#include "model/streams.h"

namespace sluice {
namespace {

std::string shape_text(const State& state, std::size_t batch) {
  std::string text = std::to_string(state.layers()) + " layers";
  for (std::size_t l = 0; l < state.layers(); ++l) {
    const auto& [states, hidden] = state.shape(l);
    if (l > 0 && state.shape(l) == state.shape(0)) continue;
    text += (l == 0 ? " x " : ", layer " + std::to_string(l) + " x ") + std::to_string(states) + " states x " +
            std::to_string(hidden) + " units";
  }
  return text + " x " + std::to_string(batch) + (batch == 1 ? " stream" : " streams");
}

bool fits_one(const State& own, const State& state) noexcept { return state.same_layers(own) && state.batch() == 1; }

void check_state(const Streams& streams, const State& found) try {
  const State& own = streams.state();
  if (!fits_one(own, found)) {
    throw Error(Status::usage,
                "set_state: expected a state of " + shape_text(own, 1) + ", found " + shape_text(found, found.batch()));
  }
  if (!streams.of_another(found)) return;
  throw Error(Status::usage,
              "set_state: expected a state of this model, found one of another with layers of the same "
              "sizes (State::set_model(0), or in C sluice_stream_load_any_state, turns this check off)");
} catch (...) {
  rethrow_as_error("set_state");
}

}  // namespace

struct Stream::Impl : Streams {
  using Streams::Streams;
};

Stream::Stream(const Model& model) try : impl_(std::make_unique<Impl>(model, 1, true)) {
} catch (...) {
  rethrow_as_error("stream");
}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

const Model& Stream::model() const noexcept { return impl_->model(); }

bool Stream::step(Token token) noexcept { return impl_->step(std::span<const Token>(&token, 1)); }
bool Stream::step(std::span<const float> x) noexcept { return impl_->step(x); }
bool Stream::feed(std::span<const Token> tokens) noexcept { return impl_->feed(tokens); }
bool Stream::feed(std::span<const float> x, std::span<float> y) noexcept { return impl_->feed(x, y); }

std::span<const float> Stream::probabilities() const noexcept {
  return impl_->gives_probabilities() ? impl_->output(0) : std::span<const float>();
}

std::span<const float> Stream::output() const noexcept {
  return impl_->predicts_tokens() ? std::span<const float>() : impl_->output(0);
}

std::vector<std::pair<Token, float>> Stream::top(std::size_t k) const try {
  const std::span<const float> p = probabilities();
  std::vector<std::pair<Token, float>> best;
  for (const Token token : likeliest(p, k)) best.emplace_back(token, p[token]);
  return best;
} catch (...) {
  rethrow_as_error("top");
}

Token Stream::sample(const SampleOptions& options, double random) const try {
  expect_language(impl_->model().config(), "sample");
  return draw(impl_->logits(0), impl_->output(0), options, random);
} catch (...) {
  rethrow_as_error("sample");
}

const State& Stream::state() const noexcept { return impl_->state(); }

bool Stream::copy_state(State& state) const noexcept {
  if (!fits_one(impl_->state(), state)) return false;
  copy_stream(impl_->state(), 0, state, 0);
  state.set_model(impl_->state().model());
  return true;
}

void Stream::set_state(const State& state) {
  check_state(*impl_, state);
  impl_->set_state(0, state);
}

bool Stream::begin() noexcept {
  if (!impl_->model().reads_text()) return false;
  reset();
  return feed(impl_->begin_tokens());
}

void Stream::reset() noexcept { impl_->reset(); }
bool Stream::finite() const noexcept { return impl_->finite(0); }

struct StreamBatch::Impl : Streams {
  using Streams::Streams;
};

StreamBatch::StreamBatch(const Model& model, std::size_t streams) try {
  // Beyond this, sizes of buffers would not fit into 64 bits for the largest models.
  constexpr std::size_t most = std::size_t{1} << 24;
  if (streams == 0 || streams > most) {
    throw Error(Status::usage,
                "streams: expected a number from 1 to " + std::to_string(most) + ", found " + std::to_string(streams));
  }
  impl_ = std::make_unique<Impl>(model, streams, false);
} catch (...) {
  rethrow_as_error("streams");
}
StreamBatch::~StreamBatch() = default;
StreamBatch::StreamBatch(StreamBatch&&) noexcept = default;
StreamBatch& StreamBatch::operator=(StreamBatch&&) noexcept = default;

std::size_t StreamBatch::size() const noexcept { return impl_->state().batch(); }
bool StreamBatch::step(std::span<const Token> tokens) noexcept { return impl_->step(tokens); }
bool StreamBatch::step(std::span<const float> x) noexcept { return impl_->step(x); }

std::span<const float> StreamBatch::probabilities(std::size_t stream) const noexcept {
  return impl_->gives_probabilities() ? impl_->output(stream) : std::span<const float>();
}

std::span<const float> StreamBatch::output(std::size_t stream) const noexcept {
  return impl_->predicts_tokens() ? std::span<const float>() : impl_->output(stream);
}

State StreamBatch::state(std::size_t stream) const {
  check_stream(stream);
  State one = impl_->model().initial_state();
  copy_stream(impl_->state(), stream, one, 0);
  return one;
}

bool StreamBatch::copy_state(std::size_t stream, State& state) const noexcept {
  if (stream >= size() || !fits_one(impl_->state(), state)) return false;
  copy_stream(impl_->state(), stream, state, 0);
  state.set_model(impl_->state().model());
  return true;
}

void StreamBatch::set_state(std::size_t stream, const State& state) {
  check_stream(stream);
  check_state(*impl_, state);
  impl_->set_state(stream, state);
}

void StreamBatch::reset(std::size_t stream) noexcept {
  if (stream < size()) impl_->reset(stream);
}

void StreamBatch::reset() noexcept { impl_->reset(); }

bool StreamBatch::finite(std::size_t stream) const noexcept { return stream < size() && impl_->finite(stream); }

void StreamBatch::check_stream(std::size_t stream) const {
  if (stream < size()) return;
  throw Error(Status::usage,
              "stream: expected one below " + std::to_string(size()) + ", found " + std::to_string(stream));
}

}  // namespace sluice
