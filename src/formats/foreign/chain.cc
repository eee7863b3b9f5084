#include "formats/foreign/chain.h"

#include <algorithm>
#include <array>

#include "base/shown.h"
#include "formats/foreign/modules.h"
#include "formats/foreign/recipe.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

struct NamedPooling {
  std::string_view name;
  Pooling how;
};
constexpr std::array<NamedPooling, 4> poolings = {
    {{"last", Pooling::last}, {"first", Pooling::first}, {"mean", Pooling::mean}, {"max", Pooling::maximum}}};

class Chain {
 public:
  Chain(std::vector<RawTensor> tensors, std::uint64_t file_bytes, const std::string& path, const Options& options)
      : modules_(std::move(tensors), file_bytes, path, options), builder_(path), options_(options) {}

  Network read(const std::string& format) {
    if (options_.parts.empty()) {
      throw Error(Status::usage, modules_.path() +
                                     ": expected --parts, the modules in the order in which they run, as " +
                                     "the file does not say it, found none (tensors: " + modules_.list() + ")");
    }
    steps_ = read_recipe(options_.parts);
    recurrents_ = static_cast<std::size_t>(
        std::ranges::count_if(steps_, [&](const Step& step) { return modules_.is_recurrent(step.name); }));
    for (const Step& step : steps_) {
      const ValueId before = now_;
      add(step);
      read_before_ = before;
    }
    modules_.check_all_used();
    if (now_ == no_value) refuse(steps_.back(), "a part that makes numbers", "none");
    builder_.output("y", now_);
    for (const auto& [name, value, axes] : states_) builder_.output(name, value, axes);
    Network network = builder_.finish(format);
    network.layout = options_.layout;
    return network;
  }

 private:
  struct StateOutput {
    std::string name;
    ValueId value;
    std::vector<PortAxis> axes;
  };

  [[noreturn]] void refuse(const Step& step, const std::string& expected, const std::string& found) const {
    throw Error(Status::usage, "part " + shown(step.name) + ": expected " + expected + ", found " + found);
  }

  void add(const Step& step) {
    if (modules_.has(step.name)) return add_module(step);
    if (step.name == "standardise") return add_standardisation(step);
    if (step.name == "one-hot") return add_one_hot(step);
    if (!step.tensors.empty() || !step.activation.empty()) refuse(step, "a module of the file", "none of that name");
    const auto pooling = std::ranges::find(poolings, step.name, &NamedPooling::name);
    if (pooling != poolings.end()) {
      now_ = builder_.add_one(step.name, Pool{pooling->how}, {present(step)});
    } else if (step.name == "state") {
      if (top_states_ == no_value) refuse(step, "a recurrent module before", "none");
      now_ = top_states_;
    } else if (step.name == "skip") {
      const ValueId first = builder_.add_one("skip", Select{{0}}, {input_of(step)});
      now_ = builder_.add_one("skip", Combine{Combination::sum}, {present(step), first});
    } else if (step.name == "residual") {
      if (read_before_ == no_value) refuse(step, "a part that reads numbers before", "none");
      now_ = builder_.add_one("residual", Combine{Combination::sum}, {present(step), read_before_});
    } else if (step.name == "packed") {
      const ValueId lengths = builder_.input("lengths", {Kind::lengths, 0}, {}, true);
      mask_ = builder_.add_one("packed", LengthMask{}, {lengths});
    } else if (step.name == "reverse") {
      now_ = builder_.add_one("reverse", Reverse{}, {present(step)});
    } else if (is_activation(step.name)) {
      now_ = builder_.add_one(step.name, Elementwise{find_activation(step.name)}, {present(step)});
    } else {
      refuse(step, "a module of the file (tensors: " + modules_.list() + ") or a word such as last or relu", "neither");
    }
  }

  void add_module(const Step& step) {
    if (modules_.is_recurrent(step.name)) return add_recurrent(step);
    if (!step.tensors.empty()) refuse(step, "an initial state of a recurrent module alone", shown(step.tensors[0]));
    if (now_ == no_value && modules_.is_bare(step.name) && step.activation.empty()) {
      Embedding embedding = modules_.embedding(step.name);
      const ValueId tokens = builder_.input("tokens", {Kind::tokens, 0});
      now_ = builder_.add_one(step.name, std::move(embedding), {tokens});
      return;
    }
    Dense dense = modules_.dense(step.name);
    const ValueId x = input_of_size(dense.inputs);
    now_ = builder_.add_one(step.name, std::move(dense), {x});
    if (step.activation.empty() || step.activation == "linear") return;
    now_ = builder_.add_one(step.name, Elementwise{find_activation(step.activation)}, {now_});
  }

  void add_standardisation(const Step& step) {
    if (step.tensors.size() != 2) refuse(step, "two tensors, as in standardise:mean:std", "another number of them");
    const Array mean = modules_.tensor(step.tensors[0]), deviation = modules_.tensor(step.tensors[1]);
    if (mean.shape != deviation.shape) refuse(step, "two tensors of one shape", "two shapes");
    const std::size_t size = mean.values.size();
    Scale scale = {Numbers(size, true), Numbers(size, true)};
    for (std::size_t i = 0; i < size; ++i) {
      scale.factor.set(i, 1 / deviation.values[i]);
      scale.offset.set(i, -mean.values[i] / deviation.values[i]);
    }
    now_ = builder_.add_one(step.name, std::move(scale), {input_of_size(size)});
  }

  void add_one_hot(const Step& step) {
    std::size_t size = 0;
    const std::string number = step.tensors.size() == 1 ? step.tensors[0] : "";
    for (const char digit : number) {
      if (digit < '0' || digit > '9' || size > 1'000'000) refuse(step, "a size, as in one-hot:59", shown(number));
      size = size * 10 + static_cast<std::size_t>(digit - '0');
    }
    if (now_ != no_value) refuse(step, "it as the first part", "another before it");
    now_ = builder_.add_one(step.name, OneHot{size}, {builder_.input("tokens", {Kind::tokens, 0})});
  }

  // The activations that the user says: of the plain rnn, and of Keras' layers, whose weights do not say them.
  void set_activations(const Step& step, Recurrent& part) const {
    const bool keras = modules_.is_keras(step.name), gated = part.cell != Cell::rnn;
    const std::size_t slash = step.activation.find('/');
    if (gated && !keras) {
      if (!step.activation.empty())
        refuse(step, "no activation, which PyTorch's lstm and gru have fixed", step.activation);
      return;
    }
    if (step.activation.empty() || (gated && slash == std::string::npos)) {
      refuse(step,
             gated ? "the activations of gates and of the rest, as in " + step.name + "=sigmoid/tanh"
                   : "the activation, as in " + step.name + "=tanh",
             "none, and the file does not say it");
    }
    for (Direction& direction : part.directions) {
      const std::string_view written = step.activation;
      direction.candidate = find_activation(gated ? written.substr(slash + 1) : written);
      if (gated) direction.gate = find_activation(written.substr(0, slash));
      direction.output = direction.candidate;
    }
  }

  void add_recurrent(const Step& step) {
    RecurrentModule module = modules_.recurrent(step.name);
    const std::size_t L = module.layers.size(), D = module.layers.front().directions.size(),
                      R = module.layers.front().outputs(), H = module.layers.front().hidden;
    const bool lstm = module.layers.front().cell == Cell::lstm;
    ValueId x = input_of_size(module.layers.front().inputs);
    for (const Recurrent& layer : module.layers) {
      const bool same = layer.cell == module.layers.front().cell && layer.directions.size() == D &&
                        layer.outputs() == R && layer.hidden == H;
      if (!same) refuse(step, "layers of one cell, size and number of directions", "others");
    }
    const auto axes = [&](std::size_t size) {
      return module.stacked ? std::vector<PortAxis>{{Axis::feature, L * D}, {Axis::batch, 0}, {Axis::feature, size}}
                            : std::vector<PortAxis>{{Axis::batch, 0}, {Axis::feature, D * size}};
    };
    const std::string prefix = recurrents_ > 1 ? step.name + "." : "";
    std::vector<ValueId> given, last_h, last_c;
    if (step.tensors.empty()) {
      given.push_back(builder_.input(prefix + "h", {Kind::vector, L * D * R}, axes(R), true));
      if (lstm) given.push_back(builder_.input(prefix + "c", {Kind::vector, L * D * H}, axes(H), true));
    } else {
      set_initial(step, module);
    }
    for (std::size_t k = 0; k < L; ++k) {
      set_activations(step, module.layers[k]);
      std::vector<ValueId> inputs = {x, mask_, no_value, no_value};
      for (std::size_t state = 0; state < given.size(); ++state) {
        inputs[2 + state] = layer_state(step, given[state], k, D * (state == 0 ? R : H), L);
      }
      const std::string name = L > 1 ? step.name + " layer " + std::to_string(k) : step.name;
      const std::vector<ValueId> made = builder_.add(name, std::move(module.layers[k]), inputs);
      x = made[0];
      last_h.push_back(made[1]);
      if (lstm) last_c.push_back(made[2]);
    }
    now_ = x;
    top_states_ = last_h.back();
    states_.push_back({prefix + "h", joined(step, last_h), axes(R)});
    if (lstm) states_.push_back({prefix + "c", joined(step, last_c), axes(H)});
  }

  ValueId layer_state(const Step& step, ValueId all, std::size_t layer, std::size_t size, std::size_t layers) {
    if (layers == 1) return all;
    Select select;
    for (std::size_t i = 0; i < size; ++i) select.features.push_back(layer * size + i);
    return builder_.add_one(step.name + " state", std::move(select), {all});
  }
  ValueId joined(const Step& step, const std::vector<ValueId>& values) {
    return values.size() == 1 ? values[0] : builder_.add_one(step.name + " state", Combine{}, values);
  }

  // h0 and c0 of the file, [L D, 1, R] or [L D, R].
  void set_initial(const Step& step, RecurrentModule& module) {
    const bool lstm = module.layers.front().cell == Cell::lstm;
    if (step.tensors.size() != (lstm ? 2u : 1u)) {
      refuse(step, lstm ? "two tensors, as in lstm:h0:c0" : "one tensor, as in gru:h0", "another number of them");
    }
    const std::size_t D = module.layers.front().directions.size();
    for (std::size_t state = 0; state < step.tensors.size(); ++state) {
      const Array array = modules_.tensor(step.tensors[state]);
      const std::size_t size = state == 0 ? module.layers.front().outputs() : module.layers.front().hidden;
      if (array.values.size() != module.layers.size() * D * size) {
        refuse(step, std::to_string(module.layers.size() * D * size) + " numbers in " + shown(step.tensors[state]),
               std::to_string(array.values.size()));
      }
      for (std::size_t k = 0; k < module.layers.size() * D; ++k) {
        Direction& direction = module.layers[k / D].directions[k % D];
        Numbers& initial = state == 0 ? direction.initial_h : direction.initial_c;
        initial = Numbers(size, array.values.wide());
        for (std::size_t i = 0; i < size; ++i) initial.set(i, array.values[k * size + i]);
      }
    }
  }

  ValueId present(const Step& step) const {
    if (now_ == no_value) refuse(step, "a module before it", "none");
    return now_;
  }
  ValueId input_of(const Step& step) const {
    if (input_ == no_value) refuse(step, "an input of numbers", "tokens");
    return input_;
  }
  // What the next part reads; the input of so many numbers where it is the first.
  ValueId input_of_size(std::size_t size) {
    if (now_ == no_value) input_ = now_ = builder_.input("x", {Kind::sequence, size});
    return now_;
  }

  Modules modules_;
  Builder builder_;
  const Options& options_;
  std::vector<Step> steps_;
  std::size_t recurrents_ = 0;
  ValueId now_ = no_value, input_ = no_value, read_before_ = no_value, top_states_ = no_value, mask_ = no_value;
  std::vector<StateOutput> states_;
};

}  // namespace

Network read_chain(std::vector<RawTensor> tensors, const std::string& format, std::uint64_t file_bytes,
                   const std::string& path, const Options& options) {
  return Chain(std::move(tensors), file_bytes, path, options).read(format);
}

}  // namespace sluice::foreign
