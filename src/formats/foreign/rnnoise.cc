// RNNoise's network as text, "rnnoise-nu model file version 1": six layers in a fixed order, each its number of inputs
// and units and its activation, and then its weights, whole numbers in units of 1/256.
// Source: the reader of FFmpeg's filter arnndn, and rnn.c of RNNoise for the order of gates (z, r, h, of which z keeps)
// and for what reads what.
#include <charconv>

#include "base/shown.h"
#include "formats/foreign/audio.h"
#include "formats/foreign/keras_layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::string_view magic = "rnnoise-nu model file version 1";
constexpr double unit = 1.0 / 256;
constexpr long most_size = 1 << 12;

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& path)
      : rest_(bytes.substr(magic.size())), path_(path), builder_(path) {}

  Network read() {
    const Layer input_dense = layer("input_dense", false), vad_gru = layer("vad_gru", true),
                noise_gru = layer("noise_gru", true), denoise_gru = layer("denoise_gru", true),
                denoise_output = layer("denoise_output", false), vad_output = layer("vad_output", false);
    const ValueId x = builder_.input("x", {Kind::sequence, input_dense.dense.inputs});
    const ValueId dense = add(input_dense, x), vad = add(vad_gru, dense);
    const ValueId noise = add(noise_gru, builder_.add_one("concatenate_1", Combine{}, {dense, vad, x}));
    const ValueId denoise = add(denoise_gru, builder_.add_one("concatenate_2", Combine{}, {vad, noise, x}));
    const ValueId gains = add(denoise_output, denoise), voice = add(vad_output, vad);
    blank();
    if (!rest_.empty()) refuse("the end of the file", shown(rest_));
    builder_.output("gains", gains);
    builder_.output("vad", voice);
    return builder_.finish("RNNoise");
  }

 private:
  struct Layer {
    const char* name;
    Dense dense;
    Recurrent recurrent;  // hidden 0: a dense layer
    Activation activation;
  };

  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file, path_ + ": expected " + expected + ", found " + found);
  }
  void blank() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\r' || rest_[0] == '\t')) {
      rest_.remove_prefix(1);
    }
  }
  long number(const std::string& what, long least, long most) {
    blank();
    long value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value < least || value > most) {
      refuse(what + " from " + std::to_string(least) + " to " + std::to_string(most),
             rest_.empty() ? "the end of the file" : shown(rest_.substr(0, 20)));
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  Array weights(const std::string& name, Shape shape) {
    std::size_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    // A number takes two bytes at least.
    if (count > rest_.size()) refuse(std::to_string(count) + " weights of " + name, "the end of the file");
    Array array = {std::move(shape), Numbers(count)};
    for (std::size_t i = 0; i < count; ++i) {
      array.values.set(i, unit * static_cast<double>(number("a weight of " + name, -128, 127)));
    }
    return array;
  }
  Layer layer(const char* name, bool recurrent) {
    const std::string text = name;
    const auto inputs = static_cast<std::uint64_t>(number("inputs of " + text, 1, most_size));
    const auto units = static_cast<std::uint64_t>(number("units of " + text, 1, most_size));
    constexpr Function activations[] = {Function::tanh, Function::sigmoid, Function::relu};
    Layer made = {name, {}, {}, {activations[number("an activation of " + text, 0, 2)]}};
    if (!recurrent) {
      const Array kernel = weights(text, {inputs, units});
      made.dense = keras_dense(kernel, weights(text, {units}), path_ + ": " + text);
      return made;
    }
    const Array kernel = weights(text, {inputs, 3 * units}), square = weights(text, {units, 3 * units});
    Recurrent& part = made.recurrent;
    part.cell = Cell::gru_reset_before;
    part.inputs = inputs;
    part.hidden = units;
    part.directions.push_back(
        keras_direction(part.cell, {kernel, square, weights(text, {3 * units})}, units, path_ + ": " + text));
    part.directions.front().candidate = made.activation;
    return made;
  }
  ValueId add(const Layer& layer, ValueId x) {
    if (layer.recurrent.hidden > 0) return builder_.add(layer.name, layer.recurrent, {x})[0];
    const ValueId y = builder_.add_one(layer.name, layer.dense, {x});
    return builder_.add_one(layer.name, Elementwise{layer.activation}, {y});
  }

  std::string_view rest_;
  const std::string& path_;
  Builder builder_;
};

}  // namespace

bool is_rnnoise(std::string_view bytes) { return bytes.starts_with(magic); }

Network read_rnnoise(std::string_view bytes, const std::string& path) { return Reader(bytes, path).read(); }

}  // namespace sluice::foreign
