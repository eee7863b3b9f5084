// The work that is measured, with data of its own: one recurrent layer on rows of numbers, and whole training steps of
// a language model. bench/peers gives the same work to other engines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/threads.h"
#include "model/layer_runner.h"
#include "model/network.h"
#include "sluice/stream.h"
#include "sluice/train.h"

namespace sluice::bench {

struct LayerSize {
  std::string cell;
  std::size_t inputs = 0, hidden = 0, batch = 0, steps = 0, threads = 1;
  Format format = Format::f32;
};

// Weights uniform in +-1 / sqrt(H), inputs and gradients in +-1.
class LayerWork {
 public:
  explicit LayerWork(const LayerSize& size);

  void train();  // one training step but for the update: pack, forward, all gradients
  void infer();  // forward alone, weights packed before
  void step();   // one step of one stream (batch 1), on the next of the inputs

  // Floating-point operations of the matrix products of one forward pass; a training step has three times as many.
  double flops() const;
  // Bytes of the weights that a step reads, as float32.
  double weight_bytes() const;

  LayerSize size;
  LayerRunner layer;
  Team team;
  AlignedVector<float> x, y, dy, dx;  // [T, B, I], [T, B, H], ...
  State start, state;
  Parameters gradients;

 private:
  std::size_t next_ = 0;
};

struct ModelSize {
  std::string cell;
  std::size_t vocabulary = 0, embedding = 0, hidden = 0, batch = 0, steps = 0, threads = 1;
  Format format = Format::f32;
};

// Embedding, one layer, linear and softmax; tokens are drawn with probability proportional to 1 / rank.
class ModelWork {
 public:
  explicit ModelWork(const ModelSize& size);

  void train();  // one whole training step from an empty state: forward, gradients, Adam, pack
  // Floating-point operations of the matrix products of a step: recurrence and head; W x once for each distinct token.
  double flops() const;

  ModelSize size;
  Network network;
  Team team;
  std::vector<Token> inputs, targets;  // [T, B]
  State state;
  Gradients gradients;
  double loss = 0;  // of the last step
  TrainOptions options;

 private:
  std::vector<Parameters> moments_;
  Workspace workspace_;
  std::uint64_t update_ = 0;
};

// A model for one stream, run token by token with its head and softmax.
class StreamWork {
 public:
  StreamWork(const std::string& cell, std::size_t hidden, std::size_t vocabulary, Precision precision);
  void step();
  double weight_bytes() const;
  double flops() const;

 private:
  Model model_;
  Stream stream_;
  Token token_ = 0;
};

}  // namespace sluice::bench
