// One small model of every kind that is read, made by hand: what the tests begin with and the fuzzers start from.
#pragma once

#include <cmath>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "foreign_files.h"

namespace sluice::test {

// Numbers that are neither small nor alike, rounded to what a few digits of text say exactly.
inline std::vector<float> wave(std::size_t count, double phase) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(std::round(std::sin(1.7 * static_cast<double>(i) + phase) * 64) / 64);
  }
  return values;
}

// A gru of two units that reads one number, under PyTorch's names, and a dense layer of one output.
inline std::vector<std::pair<std::string, std::vector<int>>> torch_shapes() {
  return {{"gru.weight_ih_l0", {6, 1}}, {"gru.weight_hh_l0", {6, 2}}, {"gru.bias_ih_l0", {6}},
          {"gru.bias_hh_l0", {6}},      {"fc.weight", {1, 2}},        {"fc.bias", {1}}};
}

inline int count_of(const std::vector<int>& shape) {
  int count = 1;
  for (const int size : shape) count *= size;
  return count;
}

inline std::string torch_sample() {
  PickleWriter pickle;
  std::vector<ZipPart> storages;
  for (const auto& [name, shape] : torch_shapes()) {
    const std::string key = std::to_string(storages.size());
    const int count = count_of(shape);
    pickle.tensor(name, key, count, 0, shape, shape.size() == 2 ? std::vector<int>{shape[1], 1} : std::vector<int>{1});
    storages.push_back(
        {"m/data/" + key, floats(wave(static_cast<std::size_t>(count), static_cast<double>(storages.size())))});
  }
  std::vector<ZipPart> parts = {{"m/data.pkl", pickle.done()}, {"m/byteorder", "little"}};
  parts.insert(parts.end(), storages.begin(), storages.end());
  return zip_of(parts);
}

inline std::string npz_sample() {
  std::vector<ZipPart> parts;
  for (const auto& [name, shape] : torch_shapes()) {
    const std::string sizes =
        std::string("(") + std::to_string(shape[0]) + (shape.size() == 2 ? ", " + std::to_string(shape[1]) : ",") + ")";
    parts.push_back({name + ".npy", npy_of(sizes, floats(wave(static_cast<std::size_t>(count_of(shape)),
                                                              static_cast<double>(parts.size()))))});
  }
  return zip_of(parts);
}

// ONNX: one message after another.
class OnnxWriter {
 public:
  using Writer = protozero::pbf_writer;

  OnnxWriter() : model_(file_) {
    model_.add_int64(1, 8);
    model_.add_string(2, "test");
    std::string opset;
    Writer(opset).add_int64(2, 17);
    model_.add_message(8, opset);
  }
  OnnxWriter& input(const std::string& name, const std::vector<std::int64_t>& dims, int type = 1) {
    graph_.emplace_back(11, value(name, dims, type));
    return *this;
  }
  OnnxWriter& output(const std::string& name) {
    graph_.emplace_back(12, value(name, {}, 1));
    return *this;
  }
  OnnxWriter& constant(const std::string& name, const std::vector<std::int64_t>& dims,
                       const std::vector<float>& values) {
    std::string bytes;
    Writer tensor(bytes);
    tensor.add_packed_int64(1, dims.begin(), dims.end());
    tensor.add_int32(2, 1);
    tensor.add_string(8, name);
    tensor.add_string(9, floats(values));
    graph_.emplace_back(5, bytes);
    return *this;
  }
  OnnxWriter& wholes(const std::string& name, const std::vector<std::int64_t>& values, bool scalar = false) {
    std::string bytes;
    Writer tensor(bytes);
    if (!scalar) tensor.add_int64(1, static_cast<std::int64_t>(values.size()));
    tensor.add_int32(2, 7);
    tensor.add_packed_int64(7, values.begin(), values.end());
    tensor.add_string(8, name);
    graph_.emplace_back(5, bytes);
    return *this;
  }
  OnnxWriter& external(const std::string& name, std::int64_t size, const std::map<std::string, std::string>& place) {
    std::string bytes;
    Writer tensor(bytes);
    tensor.add_int64(1, size);
    tensor.add_int32(2, 1);
    tensor.add_string(8, name);
    for (const auto& [key, text] : place) {
      std::string entry;
      Writer(entry).add_string(1, key);
      Writer(entry).add_string(2, text);
      tensor.add_message(13, entry);
    }
    tensor.add_int32(14, 1);
    graph_.emplace_back(5, bytes);
    return *this;
  }
  // Whole numbers as attributes.
  OnnxWriter& node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<std::string>& outputs,
                   const std::map<std::string, std::int64_t>& attributes = {}) {
    std::string bytes;
    Writer node(bytes);
    for (const std::string& name : inputs) node.add_string(1, name);
    for (const std::string& name : outputs) node.add_string(2, name);
    node.add_string(4, op);
    for (const auto& [name, whole] : attributes) {
      std::string attribute;
      Writer(attribute).add_string(1, name);
      Writer(attribute).add_int64(3, whole);
      node.add_message(5, attribute);
    }
    graph_.emplace_back(1, bytes);
    return *this;
  }
  OnnxWriter& raw(std::uint32_t tag, const std::string& bytes) {
    graph_.emplace_back(tag, bytes);
    return *this;
  }
  std::string done() {
    std::string graph;
    Writer writer(graph);
    for (const auto& [tag, bytes] : graph_) writer.add_message(tag, bytes);
    model_.add_message(7, graph);
    return file_;
  }

 private:
  static std::string value(const std::string& name, const std::vector<std::int64_t>& dims, int type) {
    std::string shape, tensor, whole, bytes;
    for (const std::int64_t size : dims) {
      std::string dimension;
      if (size >= 0) Writer(dimension).add_int64(1, size);
      Writer(shape).add_message(1, dimension);
    }
    Writer(tensor).add_int32(1, type);
    Writer(tensor).add_message(2, shape);
    Writer(whole).add_message(1, tensor);
    Writer(bytes).add_string(1, name);
    Writer(bytes).add_message(2, whole);
    return bytes;
  }

  std::string file_;
  Writer model_;
  std::vector<std::pair<std::uint32_t, std::string>> graph_;
};

// A batch-first gru of two units on one number, its last step, and a dense layer.
inline OnnxWriter onnx_gru(int after = 1) {
  OnnxWriter writer;
  writer.input("x", {-1, -1, 1})
      .constant("W", {1, 6, 1}, wave(6, 0))
      .constant("R", {1, 6, 2}, wave(12, 1))
      .constant("B", {1, 12}, wave(12, 2))
      .constant("V", {2, 1}, wave(2, 3))
      .constant("b", {1}, wave(1, 4));
  std::string bytes;
  OnnxWriter::Writer node(bytes);
  node.add_string(1, "x");
  node.add_string(2, "t");
  node.add_string(4, "Transpose");
  std::string attribute;
  OnnxWriter::Writer(attribute).add_string(1, "perm");
  const std::vector<std::int64_t> order = {1, 0, 2};
  OnnxWriter::Writer(attribute).add_packed_int64(8, order.begin(), order.end());
  node.add_message(5, attribute);
  writer.raw(1, bytes)
      .node("GRU", {"t", "W", "R", "B"}, {"Y", "Y_h"}, {{"hidden_size", 2}, {"linear_before_reset", after}})
      .wholes("first", {0})
      .wholes("last", {-1}, true)
      .wholes("one", {1})
      .node("Squeeze", {"Y", "one"}, {"s"})
      .node("Gather", {"s", "last"}, {"h"})
      .node("MatMul", {"h", "V"}, {"m"})
      .node("Add", {"m", "b"}, {"y"})
      .output("y");
  return writer;
}

inline std::string keras_config() {
  return R"({"class_name": "Sequential", "config": {"name": "s", "layers": [)"
         R"({"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, null, 1]}},)"
         R"({"class_name": "GRU", "config": {"name": "gru", "units": 2, "reset_after": true, "return_sequences": true,)"
         R"( "activation": "tanh", "recurrent_activation": "sigmoid"}},)"
         R"({"class_name": "Dense", "config": {"name": "dense", "units": 1, "activation": "sigmoid"}}]}})";
}

// The weights of keras_config() under layers/.
inline std::string keras_weights() {
  Hdf5Writer writer;
  const auto kernel = writer.dataset({1, 6}, floats(wave(6, 0))),
             recurrent = writer.dataset({2, 6}, floats(wave(12, 1))),
             bias = writer.dataset({2, 6}, floats(wave(12, 2))), dense = writer.dataset({2, 1}, floats(wave(2, 3))),
             offset = writer.dataset({1}, floats(wave(1, 4)));
  const auto cell = writer.group({{"vars", writer.group({{"0", kernel}, {"1", recurrent}, {"2", bias}})}});
  const auto gru = writer.group({{"cell", cell}});
  const auto fc = writer.group({{"vars", writer.group({{"0", dense}, {"1", offset}})}});
  return writer.done(writer.group({{"layers", writer.group({{"gru", gru}, {"dense", fc}})}}));
}

inline std::string keras_sample() {
  return zip_of({{"metadata.json", R"({"keras_version": "3.0.0"})"},
                 {"config.json", keras_config()},
                 {"model.weights.h5", keras_weights()}});
}

inline std::string json_rows(std::size_t rows, std::size_t columns, double phase) {
  const std::vector<float> values = wave(rows * columns, phase);
  std::string text = "[";
  for (std::size_t row = 0; row < rows; ++row) {
    text += row > 0 ? ", [" : "[";
    for (std::size_t i = 0; i < columns; ++i) text += (i > 0 ? ", " : "") + std::to_string(values[row * columns + i]);
    text += "]";
  }
  return text + "]";
}
inline std::string json_row(std::size_t count, double phase) {
  const std::string rows = json_rows(1, count, phase);
  return rows.substr(1, rows.size() - 2);
}

// The same numbers as keras_sample(); `more` stands between other keys.
inline std::string rtneural_sample(const std::string& more = "", int units = 2) {
  return R"({"in_shape": [null, null, 1], )" + more +
         R"("layers": [{"type": "gru", "activation": "", "shape": [null, null, )" + std::to_string(units) +
         R"(], "weights": [)" + json_rows(1, 6, 0) + ", " + json_rows(2, 6, 1) + ", " + json_rows(2, 6, 2) +
         R"(]}, {"type": "dense", "activation": "sigmoid", "shape": [null, null, 1], "weights": [)" +
         json_rows(2, 1, 3) + ", " + json_row(1, 4) + "]}]}";
}

inline std::string guitarml_sample() {
  return R"({"model_data": {"model": "SimpleRNN", "input_size": 1, "skip": 1, "output_size": 1, "unit_type": "GRU", )"
         R"("num_layers": 1, "hidden_size": 2, "bias_fl": true}, "state_dict": {"rec.weight_ih_l0": )" +
         json_rows(6, 1, 0) + R"(, "rec.weight_hh_l0": )" + json_rows(6, 2, 1) + R"(, "rec.bias_ih_l0": )" +
         json_row(6, 2) + R"(, "rec.bias_hh_l0": )" + json_row(6, 3) + R"(, "lin.weight": )" + json_rows(1, 2, 4) +
         R"(, "lin.bias": )" + json_row(1, 5) + "}}";
}

inline std::string nam_sample(std::size_t numbers = 8 * 3 + 8 + 4 + 3) {
  return R"({"version": "0.5.4", "architecture": "LSTM", "config": {"input_size": 1, "hidden_size": 2, "num_layers": 1}, )"
         R"("weights": )" +
         json_row(numbers, 0) + R"(, "sample_rate": 48000})";
}

inline std::string rnnoise_sample() {
  std::string text = "rnnoise-nu model file version 1\n";
  int number = 0;
  const auto numbers = [&](int count) {
    for (int i = 0; i < count; ++i) text += std::to_string(number++ * 37 % 256 - 128) + (i + 1 < count ? " " : "\n");
  };
  const auto layer = [&](int inputs, int units, int activation, bool recurrent) {
    text += std::to_string(inputs) + " " + std::to_string(units) + " " + std::to_string(activation) + "\n";
    const int gates = recurrent ? 3 : 1;
    numbers(inputs * units * gates);
    if (recurrent) numbers(units * units * gates);
    numbers(units * gates);
  };
  layer(2, 1, 0, false);
  layer(1, 1, 0, true);
  layer(4, 2, 2, true);
  layer(5, 2, 0, true);
  layer(2, 3, 1, false);
  layer(1, 1, 1, false);
  return text;
}

}  // namespace sluice::test
