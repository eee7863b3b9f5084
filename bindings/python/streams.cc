// Streams: a model step by step, one or many side by side.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "arrays.h"
#include "base/fields.h"
#include "base/random.h"
#include "fields.h"
#include "running.h"
#include "sluice/stream.h"
#include "subjects.h"

namespace sluice::python {
namespace {

// From so many weights on, a step takes microseconds, and other threads may have the interpreter meanwhile. Below, to
// hand it over would take as long as the step.
constexpr std::size_t kWorthRelease = std::size_t{1} << 16;
// Of one feed between two looks for Ctrl-C.
constexpr std::size_t kMultiplicationsAtOnce = std::size_t{1} << 26;

State state_from(nb::handle given) {
  if (nb::isinstance<State>(given)) return nb::cast<const State&>(given);
  const nb::object bytes = nb::steal(PyBytes_FromObject(given.ptr()));
  if (!bytes.is_valid() || PyUnicode_Check(given.ptr()) || PyLong_Check(given.ptr())) {
    PyErr_Clear();
    refuse_field("state", "a State or its bytes", shown(given));
  }
  const nb::bytes owned = nb::cast<nb::bytes>(bytes);
  return State::from_bytes(std::span(static_cast<const std::byte*>(owned.data()), owned.size()));
}

nb::list arrays_of(const State& state) {
  nb::list layers;
  for (std::size_t l = 0; l < state.layers(); ++l) {
    const auto [states, hidden] = state.shape(l);
    nb::list all;
    for (std::size_t s = 0; s < states; ++s) all.append(to_array(state.of(l, s), {state.batch(), hidden}));
    layers.append(nb::tuple(all));
  }
  return layers;
}

void expect_step(bool good, const Model& model, const char* what) {
  if (good) return;
  if (model.reads_text()) {
    throw Error(Status::usage, std::string(what) + ": expected tokens below " +
                                   std::to_string(model.vocabulary().size()) + ", as many as there are streams");
  }
  throw Error(Status::usage,
              std::string(what) + ": expected " + std::to_string(model.config().inputs) + " numbers a step and stream");
}

class PythonStream {
 public:
  explicit PythonStream(const Model& model)
      : stream_(model),
        outputs_(model.outputs()),
        text_(model.reads_text()),
        releases_(model.parameter_count() >= kWorthRelease) {}

  nb::object step(nb::handle x) {
    const Use use(used_, "step");
    if (text_) {
      step_token(x);
      return nb::none();
    }
    std::size_t count = 0;
    const float* values = floats_as_they_are(x, count);
    Given<float> given;
    if (values == nullptr) {
      given = floats(x, "x");
      if (given.shape.size() != 1) refuse_shape(given, "step", "one dimension");
      values = given.data;
      count = given.size();
    }
    step_numbers(values, count);
    float* out = nullptr;
    nb::object made = new_floats({outputs_}, out);
    std::copy_n(stream_.output().data(), outputs_, out);
    return made;
  }

  void step_into(nb::handle x, nb::handle out) {
    float* to = writable(out, outputs_, "out");
    std::size_t count = 0;
    const float* values = floats_as_they_are(x, count);
    if (values == nullptr || text_) {
      throw Error(Status::usage, "step: expected, with out, a C-contiguous vector of float32 for a model on numbers");
    }
    const Use use(used_, "step");
    step_numbers(values, count);
    std::copy_n(stream_.output().data(), outputs_, to);
  }

  nb::object feed(nb::handle x) {
    const Use use(used_, "feed");
    if (text_) {
      if (PyUnicode_Check(x.ptr())) {
        const std::vector<Token> tokens = stream_.model().vocabulary().encode(nb::cast<std::string>(x));
        feed_some(tokens.size(), [&](std::size_t at, std::size_t count) {
          return stream_.feed(std::span(tokens).subspan(at, count));
        });
      } else {
        const Given<Token> tokens = integers(x, "tokens");
        feed_some(tokens.size(),
                  [&](std::size_t at, std::size_t count) { return stream_.feed(tokens.values().subspan(at, count)); });
      }
      return nb::none();
    }
    const Given<float> rows = floats(x, "x");
    if (rows.shape.size() != 2) refuse_shape(rows, "feed", "two dimensions, [steps, inputs]");
    if (rows.shape[1] != stream_.model().config().inputs) refuse_width(rows.shape[1]);
    float* y = nullptr;
    nb::object made = new_floats({rows.shape[0], outputs_}, y);
    feed_some(rows.shape[0], [&](std::size_t at, std::size_t count) {
      return stream_.feed(rows.values().subspan(at * rows.shape[1], count * rows.shape[1]),
                          std::span(y + at * outputs_, count * outputs_));
    });
    return made;
  }

  bool begin() {
    const Use use(used_, "begin");
    return stream_.begin();
  }
  void reset() {
    const Use use(used_, "reset");
    stream_.reset();
  }
  nb::object probabilities() {
    const Use use(used_, "probabilities");
    return to_array(text_ ? stream_.probabilities() : stream_.output());
  }
  nb::list top(std::size_t k) {
    const Use use(used_, "top");
    nb::list all;
    for (const auto& [token, p] : stream_.top(k)) {
      all.append(nb::make_tuple(stream_.model().vocabulary().token(token), static_cast<double>(p)));
    }
    return all;
  }
  Token sample(double temperature, double top_p, std::size_t top_k, double random) {
    if (!(random >= 0 && random < 1)) refuse_field("random", "a number from 0 to below 1", field_text(random));
    const Use use(used_, "sample");
    return stream_.sample({.temperature = temperature, .top_p = top_p, .top_k = top_k}, random);
  }
  State state() {
    const Use use(used_, "state");
    return stream_.state();
  }
  void set_state(nb::handle given) {
    const State state = state_from(given);
    const Use use(used_, "state");
    stream_.set_state(state);
  }
  bool finite() {
    const Use use(used_, "finite");
    return stream_.finite();
  }

 private:
  // Calls feed(first, count) for so many steps without the interpreter's lock, and looks for Ctrl-C after some
  // milliseconds of work each: the steps before it are done.
  template <class Feed>
  void feed_some(std::size_t steps, Feed&& feed) {
    const std::size_t most = std::max<std::size_t>(1, kMultiplicationsAtOnce / (stream_.model().parameter_count() + 1));
    Signals signals;
    bool good = true, go_on = true;
    {
      nb::gil_scoped_release release;
      for (std::size_t at = 0; at < steps && good && go_on; at += most) {
        good = feed(at, std::min(most, steps - at));
        go_on = signals.go_on();
      }
    }
    signals.rethrow();
    expect_step(good, stream_.model(), "feed");
  }

  // A step of the network, without the interpreter's lock where that is worth it.
  template <class X>
  bool run(const X& x) {
    if (!releases_) return stream_.step(x);
    nb::gil_scoped_release release;
    return stream_.step(x);
  }

  void step_numbers(const float* values, std::size_t count) {
    if (!run(std::span(values, count))) refuse_width(count);
  }

  void step_token(nb::handle x) {
    const Vocabulary& vocabulary = stream_.model().vocabulary();
    Token token = 0;
    if (PyUnicode_Check(x.ptr())) {
      token = vocabulary.find(nb::cast<std::string>(x)).value_or(Vocabulary::unknown);
    } else {
      std::uint64_t number = 0;
      read(x, "token", number);
      if (number >= vocabulary.size()) {
        refuse_field("token", "a number below " + std::to_string(vocabulary.size()), std::to_string(number));
      }
      token = static_cast<Token>(number);
    }
    run(token);
  }

  [[noreturn]] void refuse_width(std::size_t count) const {
    throw Error(Status::usage, "step: expected " + std::to_string(stream_.model().config().inputs) +
                                   " numbers a step, found " + std::to_string(count));
  }
  [[noreturn]] static void refuse_shape(const Given<float>& x, const char* what, const char* expected) {
    throw Error(Status::usage, std::string(what) + ": expected an array of " + expected + ", found " +
                                   std::to_string(x.shape.size()) + " dimensions");
  }

  Stream stream_;
  std::size_t outputs_;
  bool text_, releases_;
  std::atomic<bool> used_{false};
};

class PythonStreamBatch {
 public:
  PythonStreamBatch(const Model& model, std::size_t streams)
      : model_(model), batch_(model, streams), outputs_(model.outputs()) {}

  std::size_t size() const { return batch_.size(); }

  // [N, I] to [N, O]; of a model of text [N] tokens to [N, V] probabilities.
  nb::object step(nb::handle x) {
    const Use use(used_, "step");
    bool good = false;
    if (model_.reads_text()) {
      const Given<Token> tokens = integers(x, "tokens");
      nb::gil_scoped_release release;
      good = batch_.step(tokens.values());
    } else {
      const Given<float> rows = floats(x, "x");
      if (rows.shape.size() != 2 || rows.shape[0] != size() || rows.shape[1] != model_.config().inputs) {
        throw Error(Status::usage, "step: expected an array of [" + std::to_string(size()) + ", " +
                                       std::to_string(model_.config().inputs) + "]");
      }
      nb::gil_scoped_release release;
      good = batch_.step(rows.values());
    }
    expect_step(good, model_, "step");
    float* y = nullptr;
    nb::object made = new_floats({size(), outputs_}, y);
    for (std::size_t s = 0; s < size(); ++s) {
      const std::span<const float> row = model_.reads_text() ? batch_.probabilities(s) : batch_.output(s);
      std::ranges::copy(row, y + s * outputs_);
    }
    return made;
  }
  State state(std::size_t stream) {
    const Use use(used_, "state");
    return batch_.state(stream);
  }
  void set_state(std::size_t stream, nb::handle given) {
    const State state = state_from(given);
    const Use use(used_, "state");
    batch_.set_state(stream, state);
  }
  void reset(std::optional<std::size_t> stream) {
    const Use use(used_, "reset");
    if (!stream) return batch_.reset();
    if (*stream >= size()) {
      throw Error(Status::usage,
                  "reset: expected a stream below " + std::to_string(size()) + ", found " + std::to_string(*stream));
    }
    batch_.reset(*stream);
  }

 private:
  Model model_;
  StreamBatch batch_;
  std::size_t outputs_;
  std::atomic<bool> used_{false};
};

// A function of an array, whose result is one of the library that is named.
template <class Self>
auto in_kind(nb::object (Self::*function)(nb::handle)) {
  return [function](Self& self, nb::handle x, nb::handle like) {
    if (like.is_none()) return (self.*function)(x);
    const nb::object convert = converter(like);  // refuses before anything is stepped
    nb::object made = (self.*function)(x);
    return made.is_none() ? made : nb::object(convert(made));
  };
}

nb::bytes bytes_of(const State& state) {
  const std::vector<std::byte> bytes = state.to_bytes();
  return nb::bytes(bytes.data(), bytes.size());
}

}  // namespace

void bind_streams(nb::module_& m) {
  using namespace nb::literals;

  nb::class_<State>(m, "State",
                    "The memory of a stream, a value.\n\n"
                    "``bytes(state)`` saves it, for this model on any machine; ``State(blob)`` reads it again.")
      .def(
          "__init__", [](State* self, nb::handle bytes) { new (self) State(state_from(bytes)); }, "bytes"_a)
      .def("__bytes__", bytes_of)
      .def(
          "__eq__",
          [](const State& self, nb::handle other) {
            return nb::isinstance<State>(other) && self == nb::cast<const State&>(other);
          },
          nb::is_operator())
      .def("__reduce__",
           [](const State& self) { return nb::make_tuple(nb::type<State>(), nb::make_tuple(bytes_of(self))); })
      .def_prop_ro("layers", arrays_of,
                   "For each recurrent layer and direction its states as new arrays [1, units]: (h,), of an LSTM "
                   "(h, c).");

  nb::class_<PythonStream>(m, "Stream",
                           "A model step by step, with a memory of its own. Made by ``model.stream()``.\n\n"
                           "One thread at a time may use a stream; many streams may share a model.")
      .def(nb::init<const Model&>(), "model"_a)
      .def(
          "step", &PythonStream::step, "x"_a,
          "One step: x [inputs] gives the outputs, a new array [outputs]. Of a model of text, x is a token, its number "
          "or its text, and the step gives None (see ``probabilities`` and ``top``).")
      .def("step", &PythonStream::step_into, "x"_a, nb::kw_only(), "out"_a, "The same into an array of one's own.")
      .def("step", in_kind(&PythonStream::step), "x"_a, nb::kw_only(), "like"_a.none(),
           "The same as an array of ``\"torch\"`` or ``\"jax\"``.")
      .def(
          "feed", in_kind(&PythonStream::feed), "x"_a, nb::kw_only(), "like"_a.none() = nb::none(),
          "Many steps: x [steps, inputs] gives [steps, outputs], with the bits of single steps; with like= an array of "
          "``\"torch\"`` or ``\"jax\"``. Of a model of text, x is a text or an array of token numbers, and the result "
          "None.")
      .def("begin", &PythonStream::begin, "Where a text begins: the state before its first token.")
      .def("reset", &PythonStream::reset, "The state before the first step.")
      .def_prop_ro("probabilities", &PythonStream::probabilities,
                   "What the last step gave, as a new array: of a model of text the probability of each token.")
      .def("top", &PythonStream::top, "k"_a = 5, "The k likeliest next tokens: (token, probability), likeliest first.")
      .def("sample", &PythonStream::sample, nb::kw_only(), "temperature"_a = 1.0, "top_p"_a = 1.0, "top_k"_a = 0,
           "random"_a, "The number of a token drawn by ``random``, from 0 to below 1; it is not stepped through.")
      .def_prop_rw("state", &PythonStream::state, &PythonStream::set_state,
                   "Its memory, a copy. To set it: a State or its bytes, of this model.")
      .def_prop_ro("finite", &PythonStream::finite,
                   "Whether no number of its state and last output is NaN or infinite.");

  nb::class_<PythonStreamBatch>(m, "StreamBatch",
                                "Many streams on one model that step together. Made by ``model.streams(n)``.")
      .def(nb::init<const Model&, std::size_t>(), "model"_a, "streams"_a)
      .def("__len__", &PythonStreamBatch::size)
      .def("step", in_kind(&PythonStreamBatch::step), "x"_a, nb::kw_only(), "like"_a.none() = nb::none(),
           "One step of every stream: x [streams, inputs] gives [streams, outputs], with like= an array of "
           "``\"torch\"`` or ``\"jax\"``; of a model of text, tokens [streams] give probabilities [streams, "
           "vocabulary].")
      .def("state", &PythonStreamBatch::state, "stream"_a, "The memory of one stream, a copy.")
      .def("set_state", &PythonStreamBatch::set_state, "stream"_a, "state"_a)
      .def(
          "reset",
          [](PythonStreamBatch& self, nb::handle stream) {
            std::optional<std::size_t> which;
            if (!stream.is_none()) {
              std::uint64_t number = 0;
              read(stream, "stream", number);
              which = number;
            }
            self.reset(which);
          },
          "stream"_a.none() = nb::none(), "One stream begins anew, or all.");
}

}  // namespace sluice::python
