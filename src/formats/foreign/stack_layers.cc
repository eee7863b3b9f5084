#include "formats/foreign/stack_layers.h"

#include <algorithm>

#include "base/shown.h"

namespace sluice::foreign {
namespace {

// The name of a dense layer's activation; empty where the engine has none such.
std::string dense_activation(const Activation& f) {
  switch (f.function) {
    case Function::linear:
      return "none";
    case Function::tanh:
      return "tanh";
    case Function::relu:
      return "relu";
    case Function::sigmoid:
      return "sigmoid";
    case Function::elu:
      return f.alpha == 1 ? "elu" : "";
    default:
      return "";
  }
}

bool all_zero(const Numbers& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != 0) return false;
  }
  return true;
}

class Layers {
 public:
  Layers(const Refusal& refusal, Stack& stack) : refusal_(refusal), stack_(stack) {}

  void add(StackPiece& piece) {
    if (const auto* recurrent = std::get_if<Recurrent>(&piece.part->work)) {
      add_recurrent(piece, *recurrent);
    } else {
      add_dense(piece);
    }
  }

  // Where two directions are only ever added, they are one layer that adds them.
  LinearMap map_above(const LinearMap& map, Steps steps) {
    if (stack_.layers.empty() || steps == Steps::state || !map.adds_halves()) return map;
    LayerConfig& below = stack_.layers.back().config;
    if (below.direction != "both") return map;
    below.direction = "sum";
    return map.of_sums();
  }

 private:
  void add_recurrent(StackPiece& piece, const Recurrent& part) {
    check_cell(*piece.part, part);
    if (piece.steps != Steps::all) refusal_.refuse(*piece.part, "layers that read every step");
    StackLayer layer;
    layer.name = piece.part->name;
    layer.part = static_cast<std::size_t>(piece.part - refusal_.network().parts.data());
    layer.config.cell = name_of(part.cell);
    layer.config.units = part.hidden;
    layer.config.direction = part.directions.size() == 2   ? "both"
                             : part.directions[0].backward ? "backward"
                                                           : "forward";
    if (part.directions[0].candidate.function == Function::relu) layer.config.activation = "relu";
    for (const Direction& d : part.directions) {
      if (!all_zero(d.initial_h) || !all_zero(d.initial_c)) layer.config.initial_state = "learned";
    }
    layer.recurrent = part;
    const LinearMap map = map_above(piece.map, Steps::all);
    if (!map.is_identity()) {
      layer.recurrent.inputs = map.inputs();
      for (Direction& direction : layer.recurrent.directions) {
        const Dense read = map.before({map.outputs(), gates_of(part.cell) * part.hidden, std::move(direction.input),
                                       std::move(direction.input_bias)});
        direction.input = read.weight;
        direction.input_bias = read.bias;
      }
    }
    stack_.layers.push_back(std::move(layer));
  }

  void check_cell(const Part& part, const Recurrent& layer) const {
    const Activation tanh = {Function::tanh}, relu = {Function::relu}, sigmoid = {Function::sigmoid};
    for (const Direction& d : layer.directions) {
      const bool usual = layer.cell == Cell::rnn ? d.candidate == tanh || d.candidate == relu
                                                 : d.gate == sigmoid && d.candidate == tanh &&
                                                       (layer.cell != Cell::lstm || d.output == tanh);
      if (!usual || !(d.candidate == layer.directions[0].candidate) || layer.clip > 0 || layer.couples_input_forget ||
          layer.keeps || !d.peepholes.empty() || layer.projection > 0) {
        refusal_.refuse(part, "a cell with the usual equations");
      }
    }
    if (layer.directions.size() == 2 && (layer.directions[0].backward || !layer.directions[1].backward)) {
      refusal_.refuse(part, "the forward direction and then the backward one");
    }
    for (std::size_t i = 2; i < part.inputs.size(); ++i) {
      const auto& network = refusal_.network();
      if (part.inputs[i] == no_value) continue;
      const bool port = std::ranges::any_of(network.parts, [&](const Part& other) {
        return !std::holds_alternative<Select>(other.work) &&
               std::ranges::find(other.outputs, part.inputs[i]) != other.outputs.end();
      });
      if (port) refusal_.refuse(part, "a layer that begins at zeros or at a given state");
    }
  }

  void add_dense(StackPiece& piece) {
    StackLayer layer;
    layer.name = piece.part->name;
    layer.config.kind = "dense";
    layer.config.units = piece.dense.outputs;
    layer.config.activation = dense_activation(piece.activation);
    layer.dense = map_above(piece.map, piece.steps).before(piece.dense);
    if (layer.config.activation.empty()) {
      refusal_.refuse("tanh, relu, sigmoid or elu on a dense layer",
                      shown(layer.name) + " (" + text(piece.activation) + ")");
    }
    stack_.layers.push_back(std::move(layer));
  }

  const Refusal& refusal_;
  Stack& stack_;
};

const char* name_of(Steps steps) {
  constexpr const char* names[] = {"steps", "last", "last", "mean", "max"};
  return names[static_cast<int>(steps)];
}

// From which steps the head reads: those that one piece or the head itself picks.
Steps head_steps(const Refusal& refusal, const std::vector<StackPiece>& pieces, bool ends_in_head, Steps last_steps) {
  Steps picked = Steps::all;
  for (std::size_t i = 0; i <= pieces.size(); ++i) {
    const Steps steps = i < pieces.size() ? pieces[i].steps : last_steps;
    const bool head = i == pieces.size() || (ends_in_head && i + 1 == pieces.size());
    if (i < pieces.size() && pieces[i].own_steps != Steps::all && steps == Steps::all) picked = pieces[i].own_steps;
    if (steps == Steps::all) continue;
    if (!head && steps != Steps::last) refusal.refuse(*pieces[i].part, "the head right above such steps");
    picked = steps;
  }
  return picked;
}

// A model of text predicts tokens. Otherwise the numbers are as the file has them.
std::string loss_of(const Activation& f, bool tokens, bool bare, Stack& stack) {
  if (f.function == Function::softmax) return tokens ? "" : "softmax";
  if (f.function == Function::sigmoid) return "multilabel";
  stack.logits = bare && tokens;
  if (stack.logits) stack.remarks.emplace_back("the outputs are taken for tokens: a softmax stands on them");
  return stack.logits || stack.tokens == 0 ? "" : "squared";
}

}  // namespace

void build_layers(const Refusal& refusal, std::vector<StackPiece> pieces, const LinearMap& last_map, Steps last_steps,
                  bool lengths, Stack& stack) {
  StackPiece& last = pieces.back();
  const bool dense = !std::holds_alternative<Recurrent>(last.part->work);
  const Function f = last.activation.function;
  const bool classes = (f == Function::softmax || f == Function::sigmoid) && last_map.is_identity() &&
                       stack.head_config.residual.empty();
  const bool ends_in_head = dense && (f == Function::linear || classes);
  const Steps steps = head_steps(refusal, pieces, ends_in_head, last_steps);
  if (lengths && (steps == Steps::mean || steps == Steps::maximum)) {
    refusal.refuse("no mean or maximum over time where rows have lengths of their own", "one");
  }
  Layers layers(refusal, stack);
  for (std::size_t i = 0; i + (ends_in_head ? 1 : 0) < pieces.size(); ++i) layers.add(pieces[i]);
  const bool recurrent =
      std::ranges::any_of(stack.layers, [](const StackLayer& layer) { return layer.config.kind == "recurrent"; });
  if (!recurrent) refusal.refuse("a recurrent layer", "none");
  stack.head_config.at = name_of(steps);
  if (ends_in_head) {
    stack.head = layers.map_above(last.map, steps).before(last_map.after(last.dense));
  } else {
    const LinearMap map = layers.map_above(last_map, steps);
    if (map.inputs() > most_diagonal || map.outputs() > most_diagonal) {
      refusal.refuse("a dense layer above " + shown(stack.layers.back().name), "none");
    }
    stack.head = map.dense();
    stack.remarks.push_back("nothing linear stands above " + stack.layers.back().name + ": the head is " +
                            (map.is_identity() ? "an identity matrix, " : "a matrix, ") +
                            std::to_string(map.outputs()) + " x " + std::to_string(map.inputs()) +
                            " multiply-adds a row");
  }
  const bool tokens = stack.tokens > 0 && stack.head.outputs == stack.tokens && steps == Steps::all;
  stack.head_config.loss = loss_of(ends_in_head ? last.activation : Activation{}, tokens, ends_in_head, stack);
}

}  // namespace sluice::foreign
