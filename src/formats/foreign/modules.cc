#include "formats/foreign/modules.h"

#include <algorithm>

#include "base/shown.h"
#include "formats/foreign/keras_layers.h"
#include "formats/foreign/layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::string_view parallel_prefix = "module.";  // of torch.nn.DataParallel

// Bare arrays by their last letters, as Keras calls them.
struct BareName {
  std::string_view suffix, parameter;
};
constexpr BareName bare_names[] = {{"_w", "kernel"}, {"_u", "recurrent_kernel"}, {"_b", "bias"}};

// Where a tensor belongs: module and parameter.
std::pair<std::string, std::string> place_of(const std::string& name, bool keras) {
  const std::size_t end = name.find_last_of("./");
  if (end != std::string::npos) return {name.substr(0, end), name.substr(end + 1)};
  for (const BareName& bare : bare_names) {
    if (keras && name.ends_with(bare.suffix)) {
      return {name.substr(0, name.size() - bare.suffix.size()), std::string(bare.parameter)};
    }
  }
  return {"", name};
}

}  // namespace

Modules::Modules(std::vector<RawTensor> tensors, std::uint64_t file_bytes, const std::string& path,
                 const Options& options)
    : path_(path), options_(options), budget_(file_bytes, path), tensors_(std::move(tensors)) {
  const bool parallel = !tensors_.empty() && std::ranges::all_of(tensors_, [](const RawTensor& tensor) {
    return tensor.name.starts_with(parallel_prefix);
  });
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (parallel) tensors_[i].name.erase(0, parallel_prefix.size());
    const auto [module, parameter] = place_of(tensors_[i].name, options.convention == "keras");
    by_name_[tensors_[i].name] = i;
    if (!module.empty()) modules_[module][parameter] = i;
  }
}

void Modules::refuse(const std::string& place, const std::string& expected, const std::string& found) const {
  throw Error(Status::bad_file, path_ + ": " + shown(place) + ": expected " + expected + ", found " + found);
}

bool Modules::has_parameter(const std::string& module, const std::string& parameter) const {
  const auto found = modules_.find(module);
  return found != modules_.end() && found->second.contains(parameter);
}

bool Modules::is_keras(const std::string& module) const {
  return has_parameter(module, "kernel") || has_parameter(module, "embeddings");
}

bool Modules::is_recurrent(const std::string& module) const {
  return has_parameter(module, "weight_ih_l0") || has_parameter(module, "weight_ih") ||
         has_parameter(module, "recurrent_kernel");
}

bool Modules::is_bare(const std::string& module) const {
  return modules_.at(module).size() == 1 && (has_parameter(module, "weight") || has_parameter(module, "embeddings"));
}

Array Modules::tensor(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) refuse(name, "a tensor of that name", "none");
  used_.insert(found->second);
  return read_tensor(tensors_[found->second], path_, budget_);
}

std::optional<Array> Modules::maybe(const std::string& module, const std::string& parameter) {
  if (!has_parameter(module, parameter)) return std::nullopt;
  return tensor(tensors_[modules_.at(module).at(parameter)].name);
}

Array Modules::parameter(const std::string& module, const std::string& parameter) {
  std::optional<Array> array = maybe(module, parameter);
  if (!array) refuse(module, "a tensor " + parameter, "none");
  return std::move(*array);
}

Embedding Modules::embedding(const std::string& module) {
  Array table = parameter(module, is_keras(module) ? "embeddings" : "weight");
  if (table.shape.size() != 2) refuse(module, "a table of two dimensions", "shape " + text(table.shape));
  return {table.shape[0], table.shape[1], std::move(table.values), false};
}

Dense Modules::dense(const std::string& module) {
  if (is_keras(module)) {
    const Array kernel = parameter(module, "kernel");
    return keras_dense(kernel, maybe(module, "bias"), path_ + ": " + shown(module));
  }
  Array weight = parameter(module, "weight");
  // A convolution over one step is a dense layer.
  while (weight.shape.size() > 2 && weight.shape.back() == 1) weight.shape.pop_back();
  if (weight.shape.size() != 2) refuse(module, "weights of a dense layer, [outputs, inputs]", text(weight.shape));
  Dense dense = {weight.shape[1], weight.shape[0], std::move(weight.values), {}};
  if (std::optional<Array> bias = maybe(module, "bias")) {
    expect_shape(*bias, {dense.outputs}, path_ + ": " + shown(module) + ": bias");
    dense.bias = std::move(bias->values);
  }
  return dense;
}

Direction Modules::torch_direction(const std::string& module, const std::string& suffix, Recurrent& part, bool first) {
  const std::string where = path_ + ": " + shown(module) + suffix;
  const Array input = parameter(module, "weight_ih" + suffix), recurrent = parameter(module, "weight_hh" + suffix);
  const std::optional<Array> projection = maybe(module, "weight_hr" + suffix);
  for (const Array* array : {&input, &recurrent, projection ? &*projection : &input}) {
    if (array->shape.size() != 2) refuse(module, "weights of two dimensions", "shape " + text(array->shape));
  }
  const std::uint64_t rows = recurrent.shape[0], columns = recurrent.shape[1];
  if (first) {
    part.hidden = projection ? projection->shape[1] : columns;
    part.projection = projection ? projection->shape[0] : 0;
    part.inputs = input.shape[1];
    const std::uint64_t gates = part.hidden > 0 && rows % part.hidden == 0 ? rows / part.hidden : 0;
    if (gates != 1 && gates != 3 && gates != 4) {
      refuse(module, "weight_hh" + suffix + " of [H, H], [3 H, H] or [4 H, H]", text(recurrent.shape));
    }
    part.cell = gates == 1 ? Cell::rnn : gates == 4 ? Cell::lstm : Cell::gru_reset_after;
  }
  const std::uint64_t G = gates_of(part.cell);
  expect_shape(input, {G * part.hidden, part.inputs}, where + ": weight_ih");
  expect_shape(recurrent, {G * part.hidden, part.outputs()}, where + ": weight_hh");
  const std::span<const GateBlock> blocks = torch_order(part.cell);
  Direction direction;
  direction.input = reordered(input.values, blocks, part.inputs, where);
  direction.recurrent = reordered(recurrent.values, blocks, part.outputs(), where);
  const auto bias = [&](const char* name) {
    const std::optional<Array> array = maybe(module, name + suffix);
    if (!array) return Numbers();
    expect_shape(*array, {G * part.hidden}, where + ": " + name);
    return reordered(array->values, blocks, 1, where);
  };
  direction.input_bias = bias("bias_ih");
  direction.recurrent_bias = bias("bias_hh");
  if (projection) {
    expect_shape(*projection, {part.projection, part.hidden}, where + ": weight_hr");
    direction.projection = projection->values;
  }
  return direction;
}

Recurrent Modules::torch_layer(const std::string& module, const std::string& suffix) {
  Recurrent part;
  part.directions.push_back(torch_direction(module, suffix, part, true));
  if (!suffix.empty() && has_parameter(module, "weight_ih" + suffix + "_reverse")) {
    part.directions.push_back(torch_direction(module, suffix + "_reverse", part, false));
    part.directions.back().backward = true;
  }
  return part;
}

Recurrent Modules::keras_layer(const std::string& module) {
  const std::string where = path_ + ": " + shown(module);
  const KerasWeights weights = {parameter(module, "kernel"), parameter(module, "recurrent_kernel"),
                                maybe(module, "bias")};
  const Shape& shape = weights.recurrent.shape;
  const std::uint64_t gates = shape.size() == 2 && shape[0] > 0 && shape[1] % shape[0] == 0 ? shape[1] / shape[0] : 0;
  if (gates != 1 && gates != 3 && gates != 4) {
    refuse(module, "a recurrent kernel [H, H], [H, 3 H] or [H, 4 H]", text(shape));
  }
  Recurrent part;
  part.hidden = shape[0];
  part.cell = gates == 1 ? Cell::rnn : Cell::lstm;
  if (gates == 3) {
    // Keras says the form by the shape of the bias; without one, or where Keras did not write the file, nothing does.
    const bool said = weights.bias && options_.convention.empty();
    if (!said && !options_.reset_after) {
      throw Error(Status::usage, where + ": expected --reset before or after, as the file does not say it, found none");
    }
    const bool after = options_.reset_after ? *options_.reset_after : weights.bias->shape.size() == 2;
    part.cell = after ? Cell::gru_reset_after : Cell::gru_reset_before;
  }
  part.directions.push_back(keras_direction(part.cell, weights, part.hidden, where));
  part.inputs = weights.kernel.shape[0];
  part.masked_is_zero = false;
  return part;
}

RecurrentModule Modules::recurrent(const std::string& module) {
  RecurrentModule made;
  if (has_parameter(module, "recurrent_kernel")) {
    made.layers.push_back(keras_layer(module));
    made.stacked = false;
  } else if (has_parameter(module, "weight_ih")) {
    made.layers.push_back(torch_layer(module, ""));
    made.stacked = false;
  } else {
    for (std::size_t k = 0; has_parameter(module, "weight_ih_l" + std::to_string(k)); ++k) {
      made.layers.push_back(torch_layer(module, "_l" + std::to_string(k)));
    }
  }
  return made;
}

void Modules::check_all_used() const {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const std::string& name = tensors_[i].name;
    const bool unused = std::ranges::any_of(options_.unused, [&](const std::string& word) {
      return name == word || (name.starts_with(word) && (name[word.size()] == '.' || name[word.size()] == '/'));
    });
    if (used_.contains(i) || unused) continue;
    throw Error(Status::usage, path_ + ": tensor " + shown(name) +
                                   ": expected it in --parts or in --unused, found it " + "in neither (shape " +
                                   text(tensors_[i].shape) + ")");
  }
}

std::string Modules::list() const {
  std::string line;
  for (const RawTensor& tensor : tensors_) {
    if (line.size() > 400) return line + ", ...";
    line += (line.empty() ? "" : ", ") + tensor.name.substr(0, 60) + " " + text(tensor.shape);
  }
  return line;
}

}  // namespace sluice::foreign
