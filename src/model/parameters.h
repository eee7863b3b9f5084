// All weights of a network in one buffer with named views. Gradients and optimiser moments are the same type.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/aligned.h"

namespace sluice {

enum class TensorRole {
  embedding,
  input,           // W of a recurrent layer, its gates one after another
  recurrent,       // U
  bias,            // of the gates that W feeds
  recurrent_bias,  // of the row of U that has a bias of its own
  initial_state,   // h (and c) before the first step, where that is learned
  weight,          // of another layer, [O, I]
  zeros,           // what begins with zeros, such as that layer's bias
  head,
  head_bias,
};

struct Shape {
  std::string name;  // "embedding.weight", "rnn.weight_ih_l0", "head.bias", ...
  std::size_t rows = 0, columns = 1;
  TensorRole role = TensorRole::head;
  std::size_t layer = 0;   // whose it is, counted from the input; of the head: how many there are
  bool reverse = false;    // of a recurrent layer's backward direction
  std::size_t offset = 0;  // in the buffer, a multiple of 32 floats
  std::size_t size() const { return rows * columns; }
};

class Parameters {
 public:
  Parameters() = default;
  explicit Parameters(std::vector<Shape> shapes);  // sets the offsets; all zeros

  const std::vector<Shape>& shapes() const { return *shapes_; }
  std::size_t count() const;  // weights, without the padding between tensors

  // The whole buffer; the padding between tensors is zero and stays so (an element-wise update of zero by zero).
  std::span<float> all() { return values_; }
  std::span<const float> all() const { return values_; }
  std::span<float> operator[](std::size_t tensor);
  std::span<const float> operator[](std::size_t tensor) const;
  // The tensor of that name; nullptr when there is none.
  const Shape* find(std::string_view name) const;

  Parameters zeros_like() const;

 private:
  std::shared_ptr<const std::vector<Shape>> shapes_ = std::make_shared<const std::vector<Shape>>();
  AlignedVector<float> values_;
};

}  // namespace sluice
