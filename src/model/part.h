// A layer as a network sees it: rows in, rows out, forward and backward over a window, and forward alone in real time.
//
// Rows between layers lie row_stride(width) apart, their padding zero. A kind of layer is a file with a class of these
// functions, and its name in the list of model/layer_kinds.h.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/threads.h"
#include "model/layer_pass.h"
#include "model/parameters.h"
#include "sluice/model.h"

namespace sluice {

// Which dropout masks to draw. The same numbers give the same masks; update counts windows.
struct DropoutKey {
  std::uint64_t seed = 0, update = 0;
};
Random dropout_random(const DropoutKey& key, std::size_t place);
// out = in with dropout, row by row. in may be out.
void drop_rows(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, std::size_t rows,
               std::size_t width, double rate, const Random& random, Team& team);

// Rows of which many are the same, as those of the tokens of a window: row r is number slots[r] of the distinct ones.
struct Repeated {
  std::size_t distinct = 0;
  std::span<const std::uint32_t> slots;    // [N]
  std::span<const std::uint32_t> by_slot;  // [N] rows sorted by slot, ascending within
  std::span<const std::uint32_t> starts;   // [distinct + 1] where the rows of a slot begin in by_slot
};

// What a part reads: rows [N, I], or the distinct ones alone.
struct PartInput {
  const float* x = nullptr;
  std::size_t stride = 0;
  const Repeated* repeated = nullptr;
};

// What the parts of a pass share.
struct Pass {
  WindowShape window;
  Format format = Format::f32;
  const DropoutKey* dropout = nullptr;  // nullptr: none
  LayerScratch scratch;
  Team& team;
  bool begins = false;  // the states before the window are the network's initial ones
  // The way back begins with what state_gradient() of each part holds, and ends with the gradient of the states before
  // the window in it.
  bool state_gradients = false;
};

// Room that the parts of a pass share: one product at a time, so one for all.
struct SharedRoom {
  std::size_t factor = 0;   // numbers of the longest row that a product by packed weights reads
  std::size_t columns = 0;  // columns of the widest product of a backward pass
  std::size_t sums = 0;     // LayerScratch::sums
};

// The gradient of a part's outputs and, unless x is nullptr, where that of its inputs goes: a row for each of its rows
// of input (the distinct ones, where they repeat).
struct PartGradient {
  const float* y = nullptr;  // [N, outputs]
  std::size_t y_stride = 0;
  float* x = nullptr;
  std::size_t x_stride = 0;
};

class RecurrentLayer;

class Part {
 public:
  // What a pass leaves for its way back. Grows; belongs to one pass at a time.
  struct Memory {
    virtual ~Memory() = default;
  };

  // states, state_size: of a layer without a state, none.
  Part(std::size_t inputs, std::size_t outputs, std::size_t states = 0, std::size_t state_size = 0)
      : inputs_(inputs), outputs_(outputs), states_(states), state_size_(state_size) {}
  virtual ~Part() = default;
  virtual std::unique_ptr<Part> clone() const = 0;

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  // Its recurrent layers, one a direction; none of a layer without a state.
  virtual std::vector<const RecurrentLayer*> recurrent() const { return {}; }
  // How many there are: so many layers of a State are this part's,
  std::size_t states() const noexcept { return states_; }
  // with so many numbers of each sequence.
  std::size_t state_size() const noexcept { return state_size_; }
  // What recurrent layer number `direction` of a pass has left; a backward one's steps are turned round.
  virtual Sequence sequence(const WindowShape&, std::size_t /*direction*/, Memory&) const { return {}; }
  // Of recurrent layer number `direction`: the gradient of state `state`, [B, Hp], for a pass with state_gradients.
  virtual std::span<float> state_gradient(std::size_t /*direction*/, std::size_t /*state*/, Memory&) const {
    return {};
  }
  virtual SharedRoom room() const = 0;
  // Whether backward() may write the gradient of the inputs over that of the outputs, row for row.
  virtual bool in_place() const { return false; }

  // Reads the weights anew.
  virtual void pack(const Parameters& parameters, Format format, Team& team) = 0;
  virtual std::unique_ptr<Memory> memory() const = 0;
  // Makes the memory large enough: the only function of a pass that allocates. threads 0: for infer() alone.
  virtual void prepare(const WindowShape& window, Format format, std::size_t threads, bool training,
                       Memory& memory) const = 0;

  // The states of its recurrent layers, from layer `first` of a state on; and back.
  virtual void load(const WindowShape&, const State&, std::size_t, Memory&) const {}
  virtual void store(const WindowShape&, const Memory&, std::size_t, State&) const {}

  // Where forward() left its rows.
  virtual const float* rows(const WindowShape& window, const Memory& memory) const = 0;
  // load(), forward() and store() of sequences of one length on the calling thread, without what a way back would need,
  // and rows(). One call, since that is felt in the step of a small layer. state: the part's layers of a State,
  // state_size() numbers of each sequence; a single row may be left there, so it lasts until the state changes. Keeps
  // the real-time contract.
  virtual const float* infer(const WindowShape& window, const PartInput& in, float* state, Memory& memory,
                             Scratch& scratch) const noexcept = 0;

 private:
  std::size_t inputs_, outputs_, states_, state_size_;
};

// A pass over a window, and after it on the same input the way back. No virtual functions, since those would bring all
// of training into a program that only streams: these two call the function of the part's own class.
void forward_part(const Part& part, const Pass& pass, const PartInput& in, const Parameters& parameters,
                  Part::Memory& memory);
void backward_part(const Part& part, const Pass& pass, const PartInput& in, const PartGradient& gradient,
                   const Parameters& parameters, Parameters& gradients, Part::Memory& memory);

// The entries of packed sequences (WindowShape::entries), kept in `entries`; nullptr where all are as long as the
// window. Throws Error (usage) for lengths that do not fit.
const std::uint32_t* packed_entries(std::span<const std::uint32_t> lengths, std::size_t steps, std::size_t batch,
                                    std::vector<std::uint32_t>& entries);
StateShape state_shape(const RecurrentLayer& layer);

// The part of a layer's config, number `place` from the input, whose tensors are those of that number in the list.
std::unique_ptr<Part> make_part(const LayerConfig& config, std::size_t place, std::size_t inputs,
                                const std::vector<Shape>& tensors);

// The first tensor of a layer, by direction.
std::size_t first_tensor(const std::vector<Shape>& tensors, std::size_t layer, bool reverse = false);

}  // namespace sluice
