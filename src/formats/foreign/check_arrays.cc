// Where the arrays of a check come from: a file, or simple inputs where there is none.
#include <algorithm>
#include <cmath>

#include "base/shown.h"
#include "formats/foreign/check.h"
#include "formats/foreign/json_tree.h"
#include "formats/foreign/npy.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// Lists within lists as one array; read_json() bounds their depth.
void append(const JsonNode& node, std::size_t depth, NamedArray& made, std::vector<double>& values,
            const std::string& path) {
  const auto refuse = [&](const std::string& found) {
    throw Error(Status::bad_file,
                path + ": " + shown(made.name) + ": expected numbers in lists of one length, found " + found);
  };
  Shape& shape = made.array.shape;
  if (!node.is_list()) refuse("another value");
  if (shape.size() == depth) shape.push_back(node.size());
  if (shape[depth] != node.size())
    refuse("lists of " + std::to_string(shape[depth]) + " and " + std::to_string(node.size()));
  if (node.kind == JsonNode::Kind::numbers) {
    if (shape.size() != depth + 1) refuse("numbers beside lists");
    values.insert(values.end(), node.numbers.begin(), node.numbers.end());
    return;
  }
  if (node.items.empty()) refuse("an empty list");
  for (const JsonNode& item : node.items) append(item, depth + 1, made, values, path);
}

NamedArray array_of(const std::string& name, const JsonNode& node, const std::string& path) {
  NamedArray made = {name, {}};
  std::vector<double> values;
  append(node, 0, made, values, path);
  made.array.values = Numbers(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) made.array.values.set(i, values[i]);
  return made;
}

std::vector<NamedArray> read_json_arrays(std::string_view bytes, const std::string& path) {
  const JsonNode root = read_json(bytes, path);
  const JsonObject object(root, path);
  object.expect_only({"inputs", "outputs"});
  std::vector<NamedArray> arrays;
  for (const auto& [key, prefix, usual] : {std::tuple{"inputs", "in_", "x"}, std::tuple{"outputs", "out_", "y"}}) {
    const JsonNode& node = object[key];
    if (node.kind != JsonNode::Kind::object) {
      arrays.push_back(array_of(std::string(prefix) + usual, node, path));
      continue;
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      arrays.push_back(array_of(prefix + node.keys[i], node.items[i], path));
    }
  }
  return arrays;
}

}  // namespace

std::vector<NamedArray> read_arrays(std::string_view bytes, const std::string& path) {
  if (bytes.starts_with('{')) return read_json_arrays(bytes, path);
  Budget budget(bytes.size(), path);
  std::vector<NamedArray> arrays;
  for (const RawTensor& tensor : read_npz(bytes, path)) {
    arrays.push_back({tensor.name, read_tensor(tensor, path, budget)});
  }
  return arrays;
}

std::vector<FirstOutput> first_outputs(const Network& network, std::size_t most) {
  Feed feed = {4, 1, {}};
  for (const Port& port : network.inputs) {
    const Value& value = network.values[port.value];
    if (port.optional || value.kind == Kind::lengths) continue;
    std::vector<double> numbers;
    const std::size_t size = (value.kind == Kind::vector ? 1 : feed.steps) * std::max<std::size_t>(1, value.features);
    for (std::size_t i = 0; i < size; ++i) {
      numbers.push_back(value.kind == Kind::tokens ? static_cast<double>(i % 2) : std::sin(static_cast<double>(i)));
    }
    feed.inputs[port.value] = std::move(numbers);
  }
  for (const Port& port : network.inputs) {
    if (network.values[port.value].kind == Kind::lengths) feed.inputs[port.value] = {static_cast<double>(feed.steps)};
  }
  const auto made = evaluate(network, feed);
  std::vector<FirstOutput> outputs;
  for (std::size_t k = 0; k < made.size(); ++k) {
    const std::size_t count = std::min(most, made[k].size());
    outputs.push_back(
        {network.outputs[k].name, {made[k].begin(), made[k].begin() + static_cast<std::ptrdiff_t>(count)}});
  }
  return outputs;
}

}  // namespace sluice::foreign
