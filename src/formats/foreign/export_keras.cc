// A .keras of Keras 3: a Sequential model, its config as JSON and its weights as HDF5.
#include <map>

#include "base/json_writer.h"
#include "formats/foreign/containers_out.h"
#include "formats/foreign/export.h"
#include "formats/foreign/exported.h"
#include "formats/foreign/layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

struct Names {
  const char *type, *place;  // class_name, and under layers/ of the weights
};

Names names_of(Cell cell) {
  if (cell == Cell::rnn) return {"SimpleRNN", "simple_rnn"};
  return cell == Cell::lstm ? Names{"LSTM", "lstm"} : Names{"GRU", "gru"};
}

class Keras {
 public:
  explicit Keras(const Stack& stack) : stack_(stack) {}

  std::string write() {
    const bool tokens = stack_.tokens > 0;
    json_.begin_object().key("module").string("keras").key("class_name").string("Sequential").key("config");
    json_.begin_object().key("name").string("sluice").key("trainable").boolean(true).key("layers").begin_array();
    begin_layer("InputLayer", "input");
    json_.key("batch_shape").begin_array().null().null();
    if (!tokens) json_.integer(stack_.inputs);
    json_.end_array().key("dtype").string(tokens ? "int32" : "float32").key("sparse").boolean(false);
    end_layer();
    if (tokens) embedding();
    const std::string& at = stack_.head_config.at;
    for (std::size_t l = 0; l < stack_.layers.size(); ++l) {
      const StackLayer& layer = stack_.layers[l];
      if (layer.config.kind == "dense") {
        dense(layer.dense, layer.config.activation == "none" ? "linear" : layer.config.activation);
      } else {
        recurrent(layer, at == "last" && !any_recurrent_above(l));
      }
    }
    if (at == "mean" || at == "max") {
      begin_layer(at == "mean" ? "GlobalAveragePooling1D" : "GlobalMaxPooling1D", "pooled");
      json_.key("data_format").string("channels_last").key("keepdims").boolean(false);
      end_layer();
    }
    const std::string& loss = stack_.head_config.loss;
    dense(stack_.head, loss == "softmax" ? "softmax" : loss == "multilabel" ? "sigmoid" : "linear");
    json_.end_array().key("build_input_shape").begin_array().null().null();
    if (!tokens) json_.integer(stack_.inputs);
    json_.end_array().end_object().key("registered_name").null().end_object();
    weights_.put_group("vars");
    return zip_of({{"metadata.json", R"({"keras_version": "3.0.0"})"},
                   {"config.json", json_.take()},
                   {"model.weights.h5", weights_.bytes()}});
  }

 private:
  bool any_recurrent_above(std::size_t l) const {
    for (++l; l < stack_.layers.size(); ++l) {
      if (stack_.layers[l].config.kind == "recurrent") return true;
    }
    return false;
  }

  // Keras counts layers of each class under layers/.
  std::string place_of(const std::string& name) {
    const std::size_t number = counters_[name]++;
    return number == 0 ? name : name + "_" + std::to_string(number);
  }

  void begin_layer(const std::string& type, const std::string& name) {
    json_.begin_object().key("module").string("keras.layers").key("class_name").string(type);
    json_.key("registered_name").null().key("config").begin_object().key("name").string(name);
  }
  void end_layer() { json_.end_object().end_object(); }

  void put(const std::string& path, const std::vector<float>& values, std::vector<std::uint64_t> shape) {
    weights_.put("layers/" + path, std::move(shape), values);
  }
  // [columns, rows] of [rows, columns].
  void put_turned(const std::string& path, const std::vector<float>& values, std::size_t columns) {
    std::vector<float> made(values.size());
    const std::size_t rows = values.size() / columns;
    for (std::size_t i = 0; i < values.size(); ++i) made[i % columns * rows + i / columns] = values[i];
    put(path, made, {columns, rows});
  }

  void embedding() {
    begin_layer("Embedding", "embedding");
    json_.key("input_dim").integer(stack_.tokens).key("output_dim").integer(stack_.inputs);
    json_.key("mask_zero").boolean(false);
    end_layer();
    put("embedding/vars/0", in_file_order(stack_.table, stack_.table.size()), {stack_.tokens, stack_.inputs});
  }

  void dense(const Dense& dense, const std::string& activation) {
    const std::string place = place_of("dense");
    begin_layer("Dense", place);
    json_.key("units").integer(dense.outputs).key("activation").string(activation).key("use_bias").boolean(true);
    end_layer();
    put_turned(place + "/vars/0", in_file_order(dense.weight, dense.weight.size()), dense.inputs);
    put(place + "/vars/1", in_file_order(dense.bias, dense.outputs), {dense.outputs});
  }

  void recurrent(const StackLayer& layer, bool last) {
    const Recurrent& part = layer.recurrent;
    const Names names = names_of(part.cell);
    if (part.directions.size() == 1) {
      const bool backward = part.directions[0].backward;
      if (backward && !last) {
        throw Error(Status::usage,
                    "export to keras: expected layers that read forward or in both directions, found direction "
                    "backward, which onnx, pytorch or c can say");
      }
      const std::string place = place_of(names.place);
      cell(part, names.type, place, last, backward);
      cell_weights(part, part.directions[0], place);
      weights_.put_group("layers/" + place + "/vars");
      return;
    }
    const std::string place = place_of("bidirectional");
    begin_layer("Bidirectional", place);
    json_.key("merge_mode").string(layer.config.direction == "sum" ? "sum" : "concat").key("layer");
    cell(part, names.type, place + "_forward", last, false);
    json_.key("backward_layer");
    cell(part, names.type, place + "_backward", last, true);
    end_layer();
    weights_.put_group("layers/" + place + "/vars");
    for (const Direction& d : part.directions) {
      const std::string within = place + (d.backward ? "/backward_layer" : "/forward_layer");
      cell_weights(part, d, within);
      weights_.put_group("layers/" + within + "/vars");
    }
  }

  void cell(const Recurrent& part, const char* type, const std::string& name, bool last, bool backward) {
    begin_layer(type, name);
    json_.key("units").integer(part.hidden).key("return_sequences").boolean(!last).key("return_state").boolean(false);
    json_.key("go_backwards").boolean(backward).key("stateful").boolean(false).key("use_bias").boolean(true);
    const bool relu = part.directions[0].candidate.function == Function::relu;
    json_.key("activation").string(relu ? "relu" : "tanh");
    if (part.cell != Cell::rnn) json_.key("recurrent_activation").string("sigmoid");
    if (gates_of(part.cell) == 3) json_.key("reset_after").boolean(part.cell == Cell::gru_reset_after);
    end_layer();
  }

  void cell_weights(const Recurrent& part, const Direction& d, const std::string& place) {
    const std::span<const GateBlock> blocks = part.cell == Cell::rnn    ? std::span<const GateBlock>(one_gate)
                                              : part.cell == Cell::lstm ? std::span<const GateBlock>(lstm_ifgo)
                                                                        : std::span<const GateBlock>(gru_zrh);
    const std::size_t rows = gates_of(part.cell) * part.hidden;
    const std::string vars = place + "/cell/vars/";
    put_turned(vars + "0", in_file_order(d.input, rows * part.inputs, blocks), part.inputs);
    put_turned(vars + "1", in_file_order(d.recurrent, rows * part.hidden, blocks), part.hidden);
    std::vector<float> bias = in_file_order(d.input_bias, rows, blocks);
    if (part.cell != Cell::gru_reset_after) return put(vars + "2", bias, {rows});
    const std::vector<float> recurrent = in_file_order(d.recurrent_bias, rows, blocks);
    bias.insert(bias.end(), recurrent.begin(), recurrent.end());
    put(vars + "2", bias, {2, rows});
  }

  const Stack& stack_;
  JsonWriter json_;
  Hdf5Tree weights_;
  std::map<std::string, std::size_t> counters_;
};

}  // namespace

Exported export_keras(const Model& model, const std::string& file) {
  const Stack stack = stack_of(model);
  expect_writable(stack, "keras", {.others = "onnx, pytorch or c", .reset_before = true});
  return {Keras(stack).write(),
          "import keras\nm = keras.models.load_model(" + python_text(file) + ")\ny = m.predict(x)  # x: " +
              (stack.tokens > 0 ? "tokens [B, T]" : "[B, T, " + std::to_string(stack.inputs) + "]") + "\n"};
}

}  // namespace sluice::foreign
