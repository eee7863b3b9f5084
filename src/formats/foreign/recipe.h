// The order in which modules run, as the user writes it for a file that holds tensors alone. Words, in order:
//   NAME               a module of the file: an embedding, a dense layer or a recurrent one, by its tensors
//   NAME=ACTIVATION    a dense layer, or a plain rnn, with an activation; of Keras' recurrent layers also
//   GATE/ACTIVATION NAME:H, NAME:H:C   a recurrent module from the initial state in these tensors standardise:M:S    (x
//   - M) / S, two tensors one-hot:N          tokens as N numbers last first mean max        a sequence to one step
//   state              the last states of the recurrent module before, of its top layer, all directions
//   packed             rows have lengths of their own (pack_padded_sequence)
//   relu tanh sigmoid softmax ...   an activation
//   skip               adds the first number of the input
//   residual           adds what the part before read
//   reverse            the steps backwards
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/activation.h"

namespace sluice::foreign {

struct Step {
  std::string name;
  std::vector<std::string> tensors;
  std::string activation;  // as written behind "="
};

// Throws Error (usage) for empty words.
std::vector<Step> read_recipe(std::string_view text);

// An activation by name: linear, sigmoid, tanh, relu, softsign, softplus, softmax, hard_sigmoid_keras2 (0.2 a + 0.5),
// hard_sigmoid_keras3 (a / 6 + 0.5), elu. Throws Error (usage) that lists them.
Activation find_activation(std::string_view name);
bool is_activation(std::string_view name);

}  // namespace sluice::foreign
