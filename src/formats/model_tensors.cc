#include "formats/model_tensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <span>

#include "base/json.h"
#include "formats/gate_order.h"
#include "model/layout.h"

namespace sluice {
namespace {

enum class Kind { plain, gates, bias_ih, bias_hh };

// One tensor of the file.
struct FileTensor {
  Kind kind;
  std::string name;   // in the file
  std::size_t index;  // of the tensor inside; of bias_hh that of the bias, to which it adds
  std::vector<std::uint64_t> shape;
  const CellInfo* cell = nullptr;
  std::vector<GateBlock> blocks = {};  // of kind gates and the biases
  std::optional<std::size_t> apart =
      {};  // of bias_hh: the block that is the recurrent bias, which comes after the bias
};

const GateOrder* find_order(std::string_view cell) {
  const auto found = std::ranges::find(gate_orders, cell, &GateOrder::cell);
  return found == gate_orders.end() ? nullptr : &*found;
}

// The file's blocks of so many gate rows, those of W or of U.
std::vector<GateBlock> blocks_of(const CellInfo& cell, bool recurrent) {
  if (const GateOrder* order = find_order(cell.name)) {
    const auto blocks = recurrent ? order->recurrent : order->input;
    return {blocks.begin(), blocks.end()};
  }
  std::vector<GateBlock> blocks(recurrent ? cell.recurrent_rows : cell.input_rows);
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].internal = i;
  return blocks;
}

// A cell that PyTorch does not have must not be taken for one that it has, so its tensors have other names there.
std::string file_name(const std::string& name, const CellInfo& cell, const FileNames& names) {
  const bool known = std::ranges::find(pytorch_cells, cell.name) != pytorch_cells.end();
  if (known || names == FileNames::alike) return name;
  const std::size_t prefix = name.find('.') + 1;
  return name.substr(0, prefix) + std::string(cell.name) + "." + name.substr(prefix);
}

// Every tensor of the file follows from those inside.
std::vector<FileTensor> tensors_of_file(const Config& config, std::size_t vocabulary, const FileNames& names) {
  const std::vector<LayerConfig> layers = layers_of(config);
  const std::vector<Shape> inside = tensors_of(config, vocabulary);
  std::vector<FileTensor> all;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    const Shape& s = inside[i];
    const bool gates = s.role == TensorRole::input || s.role == TensorRole::recurrent || s.role == TensorRole::bias ||
                       s.role == TensorRole::recurrent_bias;
    std::vector<std::uint64_t> shape = {s.rows};
    if (s.role == TensorRole::embedding || s.role == TensorRole::head || s.role == TensorRole::weight ||
        s.role == TensorRole::input || s.role == TensorRole::recurrent || s.role == TensorRole::initial_state) {
      shape.push_back(s.columns);
    }
    if (!gates) {
      all.push_back({Kind::plain, s.name, i, shape});
      continue;
    }
    const CellInfo& cell = find_cell(layer_of(config, layers, s).cell);
    const GateOrder* order = find_order(cell.name);
    const std::string name = file_name(s.name, cell, names);
    if (s.role == TensorRole::recurrent_bias) {
      if (order == nullptr) all.push_back({Kind::plain, name, i, shape, &cell});
    } else if (s.role != TensorRole::bias) {
      all.push_back({Kind::gates, name, i, shape, &cell, blocks_of(cell, s.role == TensorRole::recurrent)});
    } else {
      const std::size_t at = name.rfind("bias") + 4;
      const auto named = [&](const char* which) { return name.substr(0, at) + which + name.substr(at); };
      all.push_back({Kind::bias_ih, named("_ih"), i, shape, &cell, blocks_of(cell, false)});
      if (cell.input_rows != cell.recurrent_rows) continue;
      all.push_back({Kind::bias_hh, named("_hh"), i, shape, &cell, blocks_of(cell, false)});
      if (order != nullptr) all.back().apart = order->apart;
    }
  }
  return all;
}

// Blocks from one order to the other; which of the two is the file's is in `write`.
void copy_blocks(const std::vector<GateBlock>& blocks, bool write, std::string_view from, std::span<float> to) {
  const std::size_t size = to.size() / blocks.size();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::size_t source = (write ? blocks[i].internal : i) * size,
                      target = (write ? i : blocks[i].internal) * size;
    const std::span<float> out = to.subspan(target, size);
    if (size > 0) std::memcpy(out.data(), from.data() + source * sizeof(float), out.size_bytes());
    if (!blocks[i].negated) continue;
    for (float& value : out) value = -value;
  }
}

std::string number_text(float value) { return std::isnan(value) ? "NaN" : value > 0 ? "infinity" : "-infinity"; }

// Number i of a tensor's bytes, which need not lie at a multiple of four.
float number_at(std::string_view bytes, std::size_t i) {
  float value;
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
  return value;
}

// Throws Error (status) that names the first number that is not finite.
void check_finite(std::string_view bytes, Status status, const std::string& where) {
  // Without their signs, floats are in the order of their bits, and what is not finite comes last.
  constexpr std::int32_t no_sign = 0x7fffffff, infinity = 0x7f800000;
  const std::size_t size = bytes.size() / sizeof(float);
  std::int32_t most = 0;
  for (std::size_t i = 0; i < size; ++i) {
    most = std::max(most, std::bit_cast<std::int32_t>(number_at(bytes, i)) & no_sign);
  }
  if (most < infinity) return;
  for (std::size_t i = 0; i < size; ++i) {
    const float value = number_at(bytes, i);
    if (std::isfinite(value)) continue;
    throw Error(status,
                where + ", number " + std::to_string(i) + ": expected a finite number, found " + number_text(value));
  }
}
void check_finite(std::span<const float> values, Status status, const std::string& where) {
  check_finite(view_of(values), status, where);
}

std::size_t count_of(const std::vector<std::uint64_t>& shape) {
  std::size_t count = 1;
  for (const std::uint64_t dimension : shape) count *= dimension;
  return count;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (std::size_t i = 0; i < shape.size() && i < 8; ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return "[" + text + (shape.size() > 8 ? ", ...]" : "]");
}

void add_bias(const FileTensor& tensor, std::string_view in_file, Parameters& parameters) {
  const std::vector<GateBlock>& blocks = tensor.blocks;
  const std::span<float> inside = parameters[tensor.index];
  const std::size_t size = inside.size() / blocks.size();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (tensor.apart == i) {
      const std::span<float> bias = parameters[tensor.index + 1];
      for (std::size_t j = 0; j < size; ++j) bias[j] = number_at(in_file, i * size + j);
      continue;
    }
    const auto target = inside.subspan(blocks[i].internal * size, size);
    for (std::size_t j = 0; j < size; ++j) {
      // Not for zeros: -0 + 0 is 0, and what was written comes back bit for bit.
      const float value = number_at(in_file, i * size + j);
      if (value != 0) target[j] += blocks[i].negated ? -value : value;
    }
  }
}

const std::vector<GateBlock>& blocks_in(const FileTensor& tensor) {
  static const std::vector<GateBlock> one = {{0}};
  return tensor.kind == Kind::plain ? one : tensor.blocks;
}

}  // namespace

std::vector<Tensor> to_tensors(const Network& network) {
  const Parameters& parameters = network.parameters();
  std::vector<Tensor> tensors;
  for (const FileTensor& tensor : tensors_of_file(network.config(), network.vocabulary(), FileNames::apart)) {
    std::vector<float> values(count_of(tensor.shape));
    if (tensor.kind == Kind::bias_hh) {
      if (tensor.apart) {
        const auto bias = parameters[tensor.index + 1];
        std::ranges::copy(bias, values.begin() + static_cast<std::ptrdiff_t>(*tensor.apart * bias.size()));
      }
    } else {
      copy_blocks(blocks_in(tensor), true, view_of(parameters[tensor.index]), values);
    }
    check_finite(values, Status::failed, "tensor " + tensor.name);
    tensors.push_back({tensor.name, "F32", tensor.shape, std::string(view_of(values))});
  }
  return tensors;
}

void check_tensors(const TensorFileView& file, const Config& config, std::size_t vocabulary, const FileNames& names,
                   const std::string& path) {
  const auto refuse = [&path](const std::string& name, const std::string& expected, const std::string& found) {
    throw Error(Status::bad_file, path + ": tensor " + shown(name) + ": expected " + expected + ", found " + found);
  };
  std::map<std::string_view, const TensorView*> by_name;
  for (const TensorView& tensor : file.tensors) by_name.emplace(tensor.name, &tensor);
  for (const FileTensor& wanted : tensors_of_file(config, vocabulary, names)) {
    const auto found = by_name.find(wanted.name);
    if (found == by_name.end()) refuse(wanted.name, "it in the file", "no tensor of that name");
    const TensorView& tensor = *found->second;
    if (tensor.dtype != "F32") refuse(wanted.name, "dtype F32", tensor.dtype);
    if (tensor.shape != wanted.shape)
      refuse(wanted.name, "shape " + shape_text(wanted.shape), shape_text(tensor.shape));
    check_finite(tensor.bytes, Status::bad_file, path + ": tensor " + shown(wanted.name));
    by_name.erase(found);
  }
  if (!by_name.empty()) {
    refuse(std::string(by_name.begin()->first), "no such tensor in a model of cell " + config.cell,
           shape_text(by_name.begin()->second->shape));
  }
}

void from_tensors(const TensorFileView& file, Network& network, const FileNames& names, const std::string& path) {
  Parameters& parameters = network.parameters();
  for (const FileTensor& tensor : tensors_of_file(network.config(), network.vocabulary(), names)) {
    const std::string_view values = file.find(tensor.name)->bytes;
    if (tensor.kind == Kind::bias_hh) {
      add_bias(tensor, values, parameters);
      check_finite(parameters[tensor.index], Status::bad_file,
                   path + ": tensor " + shown(tensor.name) + " added to bias_ih");
      continue;
    }
    copy_blocks(blocks_in(tensor), false, values, parameters[tensor.index]);
  }
}

}  // namespace sluice
