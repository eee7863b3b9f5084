// A network of another system as its file says it, in one form whatever the format: parts that read values and make
// values. It is what every reader of foreign files gives, what the reference evaluates and what becomes a model.
//   a sequence   [T, B, F]     F numbers at each of T steps of B rows
//   a vector     [B, F]        F numbers a row: a last step, a state
//   tokens       [T, B]        whole numbers
//   lengths      [B]           how many steps of each row count
//   a mask       [T, B]        which steps count
// The gates stand in one order and sense: lstm i, f, g, o; gru z, r, h, with z the share of new memory, like ours.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "formats/foreign/activation.h"
#include "formats/foreign/numbers.h"

namespace sluice::foreign {

enum class Kind { sequence, vector, tokens, lengths, mask };

struct Value {
  Kind kind = Kind::sequence;
  std::size_t features = 0;  // F of a sequence or a vector
};

using ValueId = std::size_t;
inline constexpr ValueId no_value = static_cast<ValueId>(-1);

// tokens -> a sequence, and a mask of the tokens that are not 0 where zeros are masked
struct Embedding {
  std::size_t tokens = 0, size = 0;
  Numbers table;  // [tokens, size]
  bool masks_zero = false;
};

// tokens -> a sequence of 0 and one 1
struct OneHot {
  std::size_t size = 0;
};

// y = V x + b
struct Dense {
  std::size_t inputs = 0, outputs = 0;
  Numbers weight;  // [outputs, inputs]
  Numbers bias;    // [outputs], or none
};

// y = f(x)
struct Elementwise {
  Activation activation;
};

// y = factor * x + offset, feature by feature
struct Scale {
  Numbers factor, offset;
};

enum class Cell { rnn, lstm, gru_reset_before, gru_reset_after };
// Gate rows a unit: 1, 4 or 3.
std::size_t gates_of(Cell cell);
const char* name_of(Cell cell);

// The weights of one direction; G H rows of gates, I inputs, R numbers of h (hidden, or of the projection).
struct Direction {
  bool backward = false;   // reads the last step first; of masked rows each row's own last step
  Numbers input;           // W [G H, I]
  Numbers recurrent;       // U [G H, R]
  Numbers input_bias;      // [G H], or none: on the side of W x
  Numbers recurrent_bias;  // [G H], or none: on the side of U h; the reset gate of gru-reset-after acts on it
  Numbers peepholes;       // [3 H] of i, f, o, or none; o reads the new c
  Numbers projection;      // [R, H], or none: h = P (o * f(c))
  Numbers initial_h;       // [R], or none: zeros
  Numbers initial_c;       // [H], or none: zeros
  Activation gate = {Function::sigmoid};    // of i, f, o, z, r
  Activation candidate = {Function::tanh};  // of g, h~, and of the plain rnn
  Activation output = {Function::tanh};     // of c on its way to h
};

// inputs: the sequence, then where given a mask, h [D R] and c [D H], or no_value
// outputs: the sequence [D R], the last h [D R] and, of an lstm, the last c [D H]
struct Recurrent {
  Cell cell = Cell::rnn;
  std::size_t inputs = 0, hidden = 0, projection = 0;  // projection 0: none
  std::vector<Direction> directions;                   // one or two
  double clip = 0;                                     // of pre-activations, to [-clip, clip]; 0: none
  bool couples_input_forget = false;                   // f = 1 - i
  bool keeps = false;          // z is the share kept; only where its activation cannot be turned round
  bool masked_is_zero = true;  // what a masked step gives: zeros, or the output before it

  std::size_t outputs() const { return projection > 0 ? projection : hidden; }  // R
};

// Several values of the same kind to one.
enum class Combination { concatenate, sum, product, average };
struct Combine {
  Combination how = Combination::concatenate;
};

// Features out of a value, by number.
struct Select {
  std::vector<std::size_t> features;
};

// A sequence to a vector.
enum class Pooling { last, first, mean, maximum };
struct Pool {
  Pooling how = Pooling::last;
};

struct Reverse {};     // a sequence with its last step first
struct LengthMask {};  // lengths -> a mask
struct ValueMask {  // a sequence -> itself with zeros where masked, and a mask of steps where any number is not `value`
  double value = 0;
};

using Work = std::variant<Embedding, OneHot, Dense, Elementwise, Scale, Recurrent, Combine, Select, Pool, Reverse,
                          LengthMask, ValueMask>;

struct Part {
  std::string name;  // in the file
  Work work;
  std::vector<ValueId> inputs, outputs;
};

// How an array of numbers outside lies: its axes, the slowest first. The features of a value may be several axes.
enum class Axis { time, batch, feature };
struct PortAxis {
  Axis axis = Axis::feature;
  std::size_t size = 0;  // of a feature axis; 0 elsewhere: any
};

// What goes in or comes out, by name.
struct Port {
  std::string name;
  ValueId value = no_value;
  std::vector<PortAxis> axes;  // none: whatever is usual (formats/foreign/check.h)
  bool optional = false;       // an input that may be left out: a state of zeros, full lengths
};

enum class Layout { unknown, batch_first, time_first };

struct Network {
  std::string format;  // "ONNX (pytorch 2.15.0, opset 20)"
  std::vector<Value> values;
  std::vector<Part> parts;  // each reads only what stands before it
  std::vector<Port> inputs, outputs;
  Layout layout = Layout::unknown;  // of ports without axes

  std::size_t parameter_count() const;
};

// One number of a recurrent part's memory.
struct StateUnit {
  std::size_t part = 0;
  bool memory = false;  // c, not h
  std::size_t feature = 0;
  bool operator==(const StateUnit&) const = default;
};
// What an input's features are the initial state of, and what an output's features are the last state of; none where
// they are anything else. An output that is an input's counterpart goes back into it at the next call.
std::vector<StateUnit> initial_units(const Network& network, const Port& port);
std::vector<StateUnit> last_units(const Network& network, const Port& port);

// Adds parts one after another and says at once where sizes do not fit.
class Builder {
 public:
  // `where` stands in front of messages.
  explicit Builder(std::string where) : where_(std::move(where)) {}

  ValueId input(const std::string& name, Value value, std::vector<PortAxis> axes = {}, bool optional = false);
  void output(const std::string& name, ValueId value, std::vector<PortAxis> axes = {});
  // Adds a part; its outputs. Throws Error (bad_file): inputs of another kind or size, weights of a wrong size, numbers
  // that are not finite.
  std::vector<ValueId> add(const std::string& name, Work work, const std::vector<ValueId>& inputs);
  ValueId add_one(const std::string& name, Work work, const std::vector<ValueId>& inputs) {
    return add(name, std::move(work), inputs).front();
  }
  const Value& operator[](ValueId id) const { return network_.values[id]; }
  Network& network() { return network_; }
  // The whole; throws Error (bad_file) when nothing goes in or comes out.
  Network finish(std::string format);

 private:
  std::string where_;
  Network network_;
};

// One line a part: name, what it is, sizes, parameters.
struct PartLine {
  std::string name, what, sizes;
  std::size_t parameters = 0;
};
std::vector<PartLine> summary(const Network& network);

}  // namespace sluice::foreign
