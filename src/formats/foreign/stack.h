// A foreign network as what a model of ours is made of: tokens through an embedding or numbers, recurrent and dense
// layers in order, a linear head and what is predicted from which rows.
#pragma once

#include <string>
#include <vector>

#include "formats/foreign/network.h"
#include "sluice/model.h"

namespace sluice::foreign {

// One layer, with the weights that it gets.
struct StackLayer {
  std::string name;  // of the file's part
  LayerConfig config;
  Recurrent recurrent;   // of a recurrent one
  Dense dense;           // of a dense one
  std::size_t part = 0;  // the recurrent part of the network that it is
};

struct Stack {
  std::size_t tokens = 0;  // 0: reads numbers
  std::size_t inputs = 0;  // numbers a step; of tokens the size of the embedding
  Numbers table;           // [tokens, inputs]
  std::vector<StackLayer> layers;
  Dense head;
  HeadConfig head_config;            // loss empty: the usual one
  bool logits = false;               // a foreign file's outputs are those before the softmax of a model of text
  std::size_t input = 0;             // which port of the network is read,
  std::size_t output = 0;            // and which is predicted
  ValueId lengths = no_value;        // how many steps of each row count, where that can be said
  std::vector<std::string> remarks;  // what a user should know
};

// Throws Error (failed) that names the first part which a model of ours cannot be made of.
Stack stack_of(const Network& network, const std::string& path);
// A model of ours taken apart again: every number is the model's own.
Stack stack_of(const Model& model);

}  // namespace sluice::foreign
