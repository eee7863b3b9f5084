// Recurrent layers by themselves: what sluice.nn is made of.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <mutex>

#include "arrays.h"
#include "fields.h"
#include "layer_stack.h"
#include "running.h"
#include "subjects.h"

namespace sluice::python {
namespace {

std::atomic<std::size_t> threads_of_layers{0};

// Stacks of one shape that are free: a pass takes one and its tape gives it back, so that several passes may wait for
// their way back, as autograd has it.
class Pool {
 public:
  explicit Pool(const StackShape& shape) : shape_(shape) {}

  std::unique_ptr<LayerStack> take() {
    const std::lock_guard lock(mutex_);
    const std::size_t threads = threads_of_layers;
    // The threads of a team do not live on in a forked process.
    if (const pid_t now = getpid(); now != process_ || threads != threads_) {
      for (auto& stack : free_) {
        if (now != process_) static_cast<void>(stack.release());
      }
      free_.clear();
      process_ = now;
      threads_ = threads;
    }
    if (free_.empty()) return std::make_unique<LayerStack>(shape_, threads);
    std::unique_ptr<LayerStack> stack = std::move(free_.back());
    free_.pop_back();
    return stack;
  }
  void give_back(std::unique_ptr<LayerStack> stack) {
    constexpr std::size_t kMost = 4;
    const std::lock_guard lock(mutex_);
    if (free_.size() < kMost && getpid() == process_) free_.push_back(std::move(stack));
  }
  const StackShape& shape() const { return shape_; }

 private:
  StackShape shape_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<LayerStack>> free_;
  pid_t process_ = getpid();
  std::size_t threads_ = 0;
};

// A stack out of the pool.
class Lease {
 public:
  explicit Lease(std::shared_ptr<Pool> pool) : pool_(std::move(pool)), stack_(pool_->take()) {}
  ~Lease() {
    if (stack_ != nullptr) pool_->give_back(std::move(stack_));
  }
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) = delete;
  LayerStack& operator*() const { return *stack_; }
  LayerStack* operator->() const { return stack_.get(); }

 private:
  std::shared_ptr<Pool> pool_;
  std::unique_ptr<LayerStack> stack_;
};

std::vector<Given<float>> all_floats(const nb::sequence& arrays, const char* name) {
  std::vector<Given<float>> all;
  for (const nb::handle array : arrays) all.push_back(floats(array, name));
  return all;
}

template <class T>
std::string shape_text(const Given<T>& given) {
  std::string text = "[";
  for (const std::size_t n : given.shape) text.append(text.size() > 1 ? ", " : "").append(std::to_string(n));
  return text.append("]");
}

// States of all layers, or their gradients; nothing of None.
Given<float> states_of(nb::handle given, const StackShape& shape, std::size_t batch, const char* name) {
  Given<float> states;
  if (given.is_none()) return states;
  states = floats(given, name);
  if (states.size() != shape.state_size(batch)) {
    refuse_field(name,
                 "[" + std::to_string(shape.layers * shape.directions()) + ", " + std::to_string(batch) + ", " +
                     std::to_string(shape.hidden) + "]",
                 shape_text(states));
  }
  return states;
}

std::span<const float> view(const Given<float>& given) {
  return given.data == nullptr ? std::span<const float>() : given.values();
}

std::span<float> new_states(const StackShape& shape, std::size_t batch, nb::object& array) {
  float* data = nullptr;
  array = new_floats({shape.layers * shape.directions(), batch, shape.hidden}, data);
  return {data, shape.state_size(batch)};
}

// A pass that waits for its way back.
class Tape {
 public:
  Tape(Lease stack, Given<float> x, std::size_t batch) : stack_(std::move(stack)), x_(std::move(x)), batch_(batch) {}

  // The gradients of the weights in the order of set_weights, of x, and of the states before the first step; `needs`
  // says of x and of the states whether they are wanted.
  nb::tuple backward(nb::handle dy, nb::handle dh, nb::handle dc, bool needs_x, bool needs_states) {
    const Use use(used_, "backward");
    const StackShape& shape = stack_->shape();
    const Given<float> gradient = floats(dy, "dy");
    const std::size_t outputs = x_.size() / shape.inputs * shape.outputs();
    if (gradient.size() != outputs) refuse_field("dy", std::to_string(outputs) + " numbers", shape_text(gradient));
    const Given<float> h = states_of(dh, shape, batch_, "dh"), c = states_of(dc, shape, batch_, "dc");

    nb::list arrays;
    std::vector<PyTorchGradients> gradients;
    for (std::size_t l = 0; l < shape.layers; ++l) {
      for (std::size_t d = 0; d < shape.directions(); ++d) {
        const std::size_t gates = stack_->gates() * shape.hidden;
        PyTorchGradients g;
        const auto add = [&](std::span<float>& part, std::initializer_list<std::size_t> sizes) {
          float* data = nullptr;
          arrays.append(new_floats(sizes, data));
          std::size_t size = 1;
          for (const std::size_t n : sizes) size *= n;
          part = {data, size};
        };
        add(g.weight_ih, {gates, shape.inputs_of(l)});
        add(g.weight_hh, {gates, shape.hidden});
        if (shape.bias) add(g.bias_ih, {gates}), add(g.bias_hh, {gates});
        gradients.push_back(g);
      }
    }
    nb::object dx = nb::none(), dh0 = nb::none(), dc0 = nb::none();
    std::span<float> dx_values;
    PyTorchStates<float> first;
    if (needs_x) {
      float* data = nullptr;
      dx = new_floats(x_.shape, data);
      dx_values = {data, x_.size()};
    }
    if (needs_states) {
      first.h = new_states(shape, batch_, dh0);
      if (stack_->states() == 2) first.c = new_states(shape, batch_, dc0);
    }
    Signals signals;
    interruptible(signals, [&] {
      stack_->backward(gradient.values(), {view(h), view(c)}, gradients, dx_values, first);
    });
    return nb::make_tuple(arrays, dx, dh0, dc0);
  }

 private:
  Lease stack_;
  Given<float> x_;
  std::size_t batch_;
  std::atomic<bool> used_{false};
};

class Layers {
 public:
  explicit Layers(const nb::dict& options) {
    StackShape shape;
    apply(options, "cell", shape.cell);
    apply(options, "activation", shape.activation);
    apply(options, "inputs", shape.inputs);
    apply(options, "hidden", shape.hidden);
    apply(options, "layers", shape.layers);
    apply(options, "bidirectional", shape.bidirectional);
    apply(options, "bias", shape.bias);
    apply(options, "dropout", shape.dropout);
    pool_ = std::make_shared<Pool>(shape);
    const Lease first(pool_);  // what cannot be is refused here
    gates_ = first->gates();
    states_ = first->states();
  }

  std::size_t gates() const { return gates_; }
  std::size_t states() const { return states_; }

  // x [T, B, I], or packed rows [N, I] of sequences of these lengths, the longest first. Gives y, h, c (None but of an
  // LSTM) and the tape (None where nobody is to go back).
  nb::tuple forward(nb::handle x, const nb::sequence& weights, nb::handle lengths, nb::handle h0, nb::handle c0,
                    bool keep, std::uint64_t seed) {
    const StackShape& shape = pool_->shape();
    Given<float> given = floats(x, "x");
    const bool packed = !lengths.is_none();
    if (given.shape.size() != (packed ? 2 : 3) || given.shape.back() != shape.inputs) {
      refuse_field("x",
                   packed ? "[rows, " + std::to_string(shape.inputs) + "]"
                          : "[steps, batch, " + std::to_string(shape.inputs) + "]",
                   shape_text(given));
    }
    Given<std::uint32_t> sizes;
    if (packed) sizes = integers(lengths, "lengths");
    const std::size_t batch = packed ? sizes.size() : given.shape[1];
    if (batch == 0 || given.size() == 0) refuse_field("x", "at least one step of one sequence", shape_text(given));
    const Given<float> h = states_of(h0, shape, batch, "h_0"), c = states_of(c0, shape, batch, "c_0");
    const std::vector<Given<float>> arrays = all_floats(weights, "weights");
    const std::size_t each = shape.bias ? 4 : 2;
    if (arrays.size() != each * shape.layers * shape.directions()) {
      refuse_field("weights", std::to_string(each * shape.layers * shape.directions()), std::to_string(arrays.size()));
    }
    std::vector<PyTorchWeights> tensors;
    for (std::size_t i = 0; i < arrays.size(); i += each) {
      PyTorchWeights w = {arrays[i].values(), arrays[i + 1].values(), {}, {}};
      if (shape.bias) w.bias_ih = arrays[i + 2].values(), w.bias_hh = arrays[i + 3].values();
      tensors.push_back(w);
    }

    std::vector<std::size_t> out = given.shape;
    out.back() = shape.outputs();
    float* y = nullptr;
    nb::object y_array = new_floats(out, y), h_array, c_array = nb::none();
    Lease stack(pool_);
    PyTorchStates<float> last;
    last.h = new_states(shape, batch, h_array);
    if (stack->states() == 2) last.c = new_states(shape, batch, c_array);
    Signals signals;
    interruptible(signals, [&] {
      stack->set_weights(tensors);
      LayerStack::Input input;
      input.x = given.values();
      input.batch = batch;
      if (packed) input.lengths = sizes.values();
      input.first = {view(h), view(c)};
      input.seed = seed;
      input.tape = keep;
      stack->forward(input, {y, given.size() / shape.inputs * shape.outputs()}, last);
    });
    nb::object tape = nb::none();
    if (keep) tape = nb::cast(new Tape(std::move(stack), std::move(given), batch), nb::rv_policy::take_ownership);
    return nb::make_tuple(y_array, h_array, c_array, tape);
  }

 private:
  std::shared_ptr<Pool> pool_;
  std::size_t gates_ = 0, states_ = 0;
};

}  // namespace

void bind_layers(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<Tape>(m, "Tape").def("backward", &Tape::backward, "dy"_a, "dh"_a.none(), "dc"_a.none(), "needs_x"_a,
                                  "needs_states"_a);
  nb::class_<Layers>(m, "Layers")
      .def(nb::init<const nb::dict&>(), "options"_a)
      .def_prop_ro("gates", &Layers::gates, "Blocks of hidden_size rows in a weight.")
      .def_prop_ro("states", &Layers::states, "1, of an LSTM 2.")
      .def("forward", &Layers::forward, "x"_a, "weights"_a, "lengths"_a.none(), "h0"_a.none(), "c0"_a.none(), "keep"_a,
           "seed"_a);
  m.def(
      "set_num_threads",
      [](std::size_t threads) {
        if (threads > 1024) refuse_field("threads", expected_of<std::uint64_t>({0, 1024}), std::to_string(threads));
        threads_of_layers = threads;
      },
      "threads"_a);
  m.def("get_num_threads", [] { return threads_of_layers.load(); });
}

}  // namespace sluice::python
