// The words of a window, spelt: the characters of each distinct word, embedded, are read by a recurrent layer in both
// directions, and its last states of both stand for the word (config.spelling). It is no Part, since it has rows of its
// own: a step is a character, and a sequence a word.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/embedding.h"
#include "model/part.h"
#include "sluice/sequences.h"

namespace sluice {

class SpellingLayer {
 public:
  struct Memory {
    Distinct words;                      // of the window that the network reads
    std::vector<std::uint32_t> order;    // of the slots of these words: the longest first
    std::vector<std::uint32_t> places;   // of a slot in it
    std::vector<std::uint32_t> lengths;  // in that order
    std::vector<std::uint32_t> entries;  // to which the window of characters refers
    WindowShape window;
    std::vector<Token> characters;  // [N]
    Embedding::Memory embedding;
    std::unique_ptr<Part::Memory> layer;
    State zeros;
    AlignedVector<float> dy, dx;  // [N, outputs]; of the distinct characters
  };

  // tensors: of the whole network.
  SpellingLayer(const SpellingConfig& config, const std::vector<Shape>& tensors);
  std::unique_ptr<SpellingLayer> clone() const;

  // Numbers that stand for a word: the last state of the forward direction and, half as many on, of the backward one.
  std::size_t outputs() const { return layer_->outputs(); }
  SharedRoom room() const { return layer_->room(); }
  void pack(const Parameters& parameters, Format format, Team& team) { layer_->pack(parameters, format, team); }

  // Lays out the spelling of the words that a window has, which are numbers of `spellings`.
  void set_words(std::span<const Token> words, const Spellings& spellings, Memory& m) const;
  // Makes the memory large enough for them.
  void prepare(Format format, std::size_t threads, bool training, Memory& m) const;
  // A pass, whose window is m.window, and its way back.
  void forward(const Pass& pass, const Parameters& parameters, Memory& m) const;
  // What stands for the word in row `row` of the window, into out [outputs()].
  void copy_row(std::size_t row, const Memory& m, float* out) const;
  // dy: of each row of the window, outputs() numbers, dy_stride apart. Overwrites the gradients of its tensors.
  void backward(const Pass& pass, const float* dy, std::size_t dy_stride, const Parameters& parameters,
                Parameters& gradients, Memory& m) const;

 private:
  std::size_t half() const { return outputs() / 2; }
  // Where the last states of the word at a place lie among the rows of characters: of the forward direction after its
  // last character, of the backward one after its first.
  static std::size_t last_row(std::size_t place, const Memory& m);

  SpellingLayer(std::unique_ptr<Part> layer, const Embedding& embedding, std::size_t characters);

  std::unique_ptr<Part> layer_;
  Embedding embedding_;
  std::size_t characters_;  // number of the tensor
};

}  // namespace sluice
