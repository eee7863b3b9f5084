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

namespace sluice {
namespace {

enum class Role { plain, input, recurrent, bias_ih, bias_hh };

// One tensor of the file.
struct Part {
  Role role;
  std::string name;  // in the file
  std::string inside;
  std::vector<std::uint64_t> shape;
  std::size_t layer = 0;
};

const GateOrder* find_order(std::string_view cell) {
  const auto found = std::ranges::find(gate_orders, cell, &GateOrder::cell);
  return found == gate_orders.end() ? nullptr : &*found;
}

// The file's blocks of a tensor with that role.
std::vector<GateBlock> blocks_of(const CellInfo& cell, Role role) {
  if (const GateOrder* order = find_order(cell.name)) {
    const auto blocks = role == Role::recurrent ? order->recurrent : order->input;
    return {blocks.begin(), blocks.end()};
  }
  std::vector<GateBlock> blocks(role == Role::recurrent ? cell.recurrent_rows : cell.input_rows);
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].internal = i;
  return blocks;
}

// The block of bias_hh that stays apart, if the cell has one.
std::optional<std::size_t> apart_block(const CellInfo& cell) {
  const GateOrder* order = find_order(cell.name);
  return order == nullptr ? std::nullopt : std::optional(order->apart);
}

std::vector<Part> parts_of(const Config& config, std::size_t vocabulary) {
  const CellInfo& cell = find_cell(config.cell);
  const bool text = config.inputs == 0;
  const std::uint64_t E = config.embedding, H = config.hidden;
  const std::uint64_t V = text ? vocabulary : config.outputs;
  std::vector<Part> parts;
  if (text) parts.push_back({Role::plain, "embedding.weight", "embedding.weight", {V, E}});
  for (std::size_t k = 0; k < config.layers; ++k) {
    const std::string l = "_l" + std::to_string(k);
    const std::uint64_t I = k > 0  ? H
                            : text ? E
                                   : config.inputs,
                        rows = cell.input_rows * H, recurrent_rows = cell.recurrent_rows * H;
    parts.push_back({Role::input, "rnn.weight_ih" + l, "rnn.weight_ih" + l, {rows, I}, k});
    parts.push_back({Role::recurrent, "rnn.weight_hh" + l, "rnn.weight_hh" + l, {recurrent_rows, H}, k});
    parts.push_back({Role::bias_ih, "rnn.bias_ih" + l, "rnn.bias" + l, {rows}, k});
    if (rows == recurrent_rows) parts.push_back({Role::bias_hh, "rnn.bias_hh" + l, "rnn.bias" + l, {rows}, k});
  }
  if (!config.tied) parts.push_back({Role::plain, "head.weight", "head.weight", {V, H}});
  parts.push_back({Role::plain, "head.bias", "head.bias", {V}});
  return parts;
}

template <class ParametersType>
auto values_of(ParametersType& parameters, const std::string& name) {
  const Shape* shape = parameters.find(name);
  if (shape == nullptr) throw Error(Status::failed, name + ": expected such weights in the network, found none");
  return parameters[static_cast<std::size_t>(shape - parameters.shapes().data())];
}

std::string recurrent_bias_name(const Part& part) { return "rnn.bias_hn_l" + std::to_string(part.layer); }

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

void add_bias(const Part& part, const CellInfo& cell, std::string_view in_file, Parameters& parameters) {
  const std::vector<GateBlock> blocks = blocks_of(cell, part.role);
  const auto inside = values_of(parameters, part.inside);
  const std::size_t size = inside.size() / blocks.size();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (apart_block(cell) == i) {
      const std::span<float> bias = values_of(parameters, recurrent_bias_name(part));
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

}  // namespace

std::vector<Tensor> to_tensors(const Network& network) {
  const Parameters& parameters = network.parameters();
  const CellInfo& cell = network.cell();
  std::vector<Tensor> tensors;
  std::size_t written = 0;
  for (const Part& part : parts_of(network.config(), network.vocabulary())) {
    std::vector<float> values(count_of(part.shape));
    const std::span<const float> inside = values_of(parameters, part.inside);
    if (part.role == Role::bias_hh) {
      if (const auto apart = apart_block(cell)) {
        const auto bias = values_of(parameters, recurrent_bias_name(part));
        std::ranges::copy(bias, values.begin() + static_cast<std::ptrdiff_t>(*apart * bias.size()));
        written += bias.size();
      }
    } else {
      if (inside.size() != values.size()) {
        throw Error(Status::failed, part.inside + ": expected " + std::to_string(values.size()) +
                                        " weights in the network, found " + std::to_string(inside.size()));
      }
      const auto blocks = part.role == Role::plain ? std::vector<GateBlock>{{0}} : blocks_of(cell, part.role);
      copy_blocks(blocks, true, view_of(inside), values);
      written += values.size();
    }
    check_finite(values, Status::failed, "tensor " + part.name);
    tensors.push_back({part.name, "F32", part.shape, std::string(view_of(values))});
  }
  if (written != parameters.count()) {
    throw Error(Status::failed, "model file: expected a place for all " + std::to_string(parameters.count()) +
                                    " weights of cell " + std::string(cell.name) + ", found it for " +
                                    std::to_string(written));
  }
  return tensors;
}

void check_tensors(const TensorFileView& file, const Config& config, std::size_t vocabulary, const std::string& path) {
  const auto refuse = [&path](const std::string& name, const std::string& expected, const std::string& found) {
    throw Error(Status::bad_file, path + ": tensor " + shown(name) + ": expected " + expected + ", found " + found);
  };
  std::map<std::string_view, const TensorView*> by_name;
  for (const TensorView& tensor : file.tensors) by_name.emplace(tensor.name, &tensor);
  for (const Part& part : parts_of(config, vocabulary)) {
    const auto found = by_name.find(part.name);
    if (found == by_name.end()) refuse(part.name, "it in the file", "no tensor of that name");
    const TensorView& tensor = *found->second;
    if (tensor.dtype != "F32") refuse(part.name, "dtype F32", tensor.dtype);
    if (tensor.shape != part.shape) refuse(part.name, "shape " + shape_text(part.shape), shape_text(tensor.shape));
    check_finite(tensor.bytes, Status::bad_file, path + ": tensor " + shown(part.name));
    by_name.erase(found);
  }
  if (!by_name.empty()) {
    refuse(std::string(by_name.begin()->first), "no such tensor in a model of cell " + config.cell,
           shape_text(by_name.begin()->second->shape));
  }
}

void from_tensors(const TensorFileView& file, Network& network, const std::string& path) {
  Parameters& parameters = network.parameters();
  for (const Part& part : parts_of(network.config(), network.vocabulary())) {
    const std::string_view values = file.find(part.name)->bytes;
    if (part.role == Role::bias_hh) {
      add_bias(part, network.cell(), values, parameters);
      check_finite(values_of(parameters, part.inside), Status::bad_file,
                   path + ": tensor " + shown(part.name) + " added to bias_ih");
      continue;
    }
    const auto blocks = part.role == Role::plain ? std::vector<GateBlock>{{0}} : blocks_of(network.cell(), part.role);
    copy_blocks(blocks, false, values, values_of(parameters, part.inside));
  }
}

}  // namespace sluice
