// RNN, GRU and LSTM of ONNX with all their attributes.
#include <algorithm>
#include <array>

#include "base/shown.h"
#include "formats/foreign/layers.h"
#include "formats/foreign/onnx_graph.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

struct Named {
  std::string_view name;  // in lower case, as readers of ONNX do not mind it
  Function function;
  bool takes_alpha, takes_beta, has_defaults;
  double alpha, beta;
};
constexpr std::array<Named, 11> functions = {{{"relu", Function::relu, false, false, true, 0, 0},
                                              {"tanh", Function::tanh, false, false, true, 0, 0},
                                              {"sigmoid", Function::sigmoid, false, false, true, 0, 0},
                                              {"affine", Function::affine, true, true, false, 0, 0},
                                              {"leakyrelu", Function::leaky_relu, true, false, true, 0.01, 0},
                                              {"thresholdedrelu", Function::thresholded_relu, true, false, true, 1, 0},
                                              {"scaledtanh", Function::scaled_tanh, true, true, false, 0, 0},
                                              {"hardsigmoid", Function::hard_sigmoid, true, true, true, 0.2, 0.5},
                                              {"elu", Function::elu, true, false, true, 1, 0},
                                              {"softsign", Function::softsign, false, false, true, 0, 0},
                                              {"softplus", Function::softplus, false, false, true, 0, 0}}};

std::string lower(std::string_view text) {
  std::string line(text.substr(0, 40));
  for (char& c : line) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return line;
}

// Rows [first, first + count) of weights, as canonical blocks.
Numbers blocks_of(const Numbers& all, std::size_t first, std::size_t count, std::span<const GateBlock> blocks,
                  std::size_t columns) {
  return reordered(part_of(all, first, count), blocks, columns, "weights");
}

}  // namespace

OnnxActivations::OnnxActivations(const OnnxNode& node, std::vector<std::string_view> usual) : names_(std::move(usual)) {
  if (const OnnxAttribute* names = node.find("activations"); names != nullptr && !names->texts.empty()) {
    names_ = names->texts;
  }
  if (const OnnxAttribute* alphas = node.find("activation_alpha")) alphas_ = alphas->reals;
  if (const OnnxAttribute* betas = node.find("activation_beta")) betas_ = betas->reals;
}

Activation OnnxActivations::next() {
  if (name_ >= names_.size()) throw std::string("an activation for each gate and direction");
  const std::string name = lower(names_[name_++]);
  const auto found = std::ranges::find(functions, std::string_view(name), &Named::name);
  if (found == functions.end()) throw "a known activation in place of " + shown(name);
  Activation activation = {found->function, found->alpha, found->beta};
  const auto take = [&](bool takes, std::vector<double>& list, std::size_t& at, double& number) {
    if (!takes) return;
    if (at < list.size()) {
      number = list[at++];
    } else if (!found->has_defaults) {
      throw "alpha and beta of " + name;
    }
  };
  take(found->takes_alpha, alphas_, alpha_, activation.alpha);
  take(found->takes_beta, betas_, beta_, activation.beta);
  return activation;
}

void OnnxGraph::recurrent() {
  const bool lstm = node_->op == "LSTM", gru = node_->op == "GRU", by_row = node_->whole("layout", 0) != 0;
  const std::string_view direction = node_->text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    refuse("direction forward, reverse or bidirectional", shown(direction));
  }
  const std::size_t D = direction == "bidirectional" ? 2 : 1;

  Recurrent part;
  part.cell = lstm ? Cell::lstm : gru ? Cell::gru_reset_before : Cell::rnn;
  if (gru) {
    const OnnxAttribute* said = node_->find("linear_before_reset");
    // An exporter of PyTorch is known to drop the attribute, which PyTorch's own GRU always needs.
    if (said == nullptr && file_.producer.starts_with("pytorch") && !options_.reset_after) {
      throw Error(Status::usage,
                  path_ + ": node " + shown(node_->outputs.front()) +
                      " (GRU): expected --reset before or after, as an exporter of PyTorch is known to " +
                      "leave out linear_before_reset, found neither");
    }
    const bool after = said != nullptr ? said->whole != 0 : options_.reset_after.value_or(false);
    if (after) part.cell = Cell::gru_reset_after;
  }
  const std::size_t G = gates_of(part.cell);

  const auto weights = [&](std::size_t i, const char* what) {
    const Symbol& symbol = in(i);
    if (symbol.kind == SymbolKind::input) {
      const auto given = given_.find(node_->inputs[i]);
      if (given == given_.end()) {
        refuse(std::string("constant ") + what + " (--constants FILE.npz gives those that are inputs)", "an input");
      }
      return given->second;
    }
    if (symbol.kind != SymbolKind::numbers || !std::ranges::all_of(symbol.dims, &Dim::known)) {
      refuse_symbol(std::string("constant ") + what, symbol);
    }
    Array array;
    for (const Dim& dim : symbol.dims) array.shape.push_back(static_cast<std::uint64_t>(dim.size));
    array.values = *symbol.numbers;
    return array;
  };
  const Array W = weights(1, "W"), R = weights(2, "R");
  const std::string where = path_ + ": node " + shown(node_->outputs.empty() ? node_->name : node_->outputs.back());
  if (W.shape.size() != 3 || R.shape.size() != 3) refuse("W and R of three dimensions", text(W.shape));
  const std::size_t H = R.shape[2], I = W.shape[2];
  if (H == 0 || I == 0) refuse("units and inputs", "none");
  expect_shape(R, {D, G * H, H}, where + ": R");
  expect_shape(W, {D, G * H, I}, where + ": W");
  if (node_->find("hidden_size") != nullptr && node_->whole("hidden_size", 0) != static_cast<std::int64_t>(H)) {
    refuse("hidden_size " + std::to_string(H), std::to_string(node_->whole("hidden_size", 0)));
  }
  part.hidden = H;
  part.inputs = I;
  part.clip = node_->real("clip", 0);
  part.couples_input_forget = lstm && node_->whole("input_forget", 0) != 0;

  std::vector<std::string_view> usual;
  for (std::size_t d = 0; d < D; ++d) {
    if (lstm || gru) usual.push_back("Sigmoid");
    usual.push_back("Tanh");
    if (lstm) usual.push_back("Tanh");
  }
  OnnxActivations activations(*node_, usual);
  part.directions.resize(D);
  try {
    for (Direction& d : part.directions) {
      if (lstm || gru) d.gate = activations.next();
      d.candidate = activations.next();
      if (lstm) d.output = activations.next();
      part.keeps = part.keeps || (gru && !is_complementary(d.gate));
    }
  } catch (const std::string& expected) {
    refuse(expected, "other activations");
  }

  const std::span<const GateBlock> blocks = lstm         ? std::span<const GateBlock>(lstm_iofg)
                                            : part.keeps ? std::span<const GateBlock>(gru_zrh_keeping)
                                            : gru        ? std::span<const GateBlock>(gru_zrh)
                                                         : std::span<const GateBlock>(one_gate);
  const std::optional<Array> B = has_input(3) ? std::optional(weights(3, "B")) : std::nullopt;
  const std::optional<Array> P =
      lstm && has_input(7) && !(in(7).kind == SymbolKind::numbers && in(7).numbers->size() == 0)
          ? std::optional(weights(7, "P"))
          : std::nullopt;
  if (B) expect_shape(*B, {D, 2 * G * H}, where + ": B");
  if (P) expect_shape(*P, {D, 3 * H}, where + ": P");
  for (std::size_t d = 0; d < D; ++d) {
    Direction& made = part.directions[d];
    made.backward = direction == "reverse" || d == 1;
    made.input = blocks_of(W.values, d * G * H * I, G * H * I, blocks, I);
    made.recurrent = blocks_of(R.values, d * G * H * H, G * H * H, blocks, H);
    if (B) {
      made.input_bias = blocks_of(B->values, d * 2 * G * H, G * H, blocks, 1);
      made.recurrent_bias = blocks_of(B->values, (d * 2 + 1) * G * H, G * H, blocks, 1);
    }
    if (P) made.peepholes = blocks_of(P->values, d * 3 * H, 3 * H, lstm_peepholes_iof, 1);
  }

  Symbol x = as_data(in(0));
  if (x.dims.size() != 3 || !x.feature[2]) refuse("a sequence of features, of three axes", "another shape");
  const std::size_t time = by_row ? 1 : 0, batch = by_row ? 0 : 1;
  expect_role(x, time, Axis::time);
  expect_role(x, batch, Axis::batch);

  std::vector<ValueId> inputs = {x.value, no_value, no_value, no_value};
  if (has_input(4) && in(4).kind != SymbolKind::whole) {
    const Symbol lengths = as_lengths(in(4));
    if (lengths.sorted != x.sorted) refuse("lengths in the order of the rows", "another order");
    inputs[1] = builder_.add_one("lengths", LengthMask{}, {lengths.value});
  } else if (has_input(4)) {
    for (const std::int64_t length : known_wholes(in(4))) {
      if (!(size_of(x, time) == Dim{length})) refuse("sequence_lens as an input, or all of the sequence", "others");
    }
    if (x.sorted) refuse("lengths in the order of the rows", "none");
  } else if (x.sorted) {
    refuse("lengths in the order of the rows", "none");
  }
  for (std::size_t state = 0; state < (lstm ? 2u : 1u); ++state) {
    if (!has_input(5 + state)) continue;
    const Symbol& symbol = in(5 + state);
    if (symbol.kind == SymbolKind::numbers) {
      const std::size_t directions = by_row ? 1 : 0, rows = by_row ? 0 : 1;
      const bool fits = symbol.dims.size() == 3 && (!symbol.dims[rows].known() || symbol.dims[rows].size == 1) &&
                        symbol.dims[directions] == Dim{static_cast<std::int64_t>(D)} &&
                        symbol.dims[2] == Dim{static_cast<std::int64_t>(H)};
      if (!fits) refuse("an initial state of one row, or the same for each", "another");
      bool zeros = true;
      for (std::size_t i = 0; i < symbol.numbers->size(); ++i) zeros = zeros && (*symbol.numbers)[i] == 0;
      for (std::size_t d = 0; d < D && !zeros; ++d) {
        Numbers& initial = state == 0 ? part.directions[d].initial_h : part.directions[d].initial_c;
        initial = Numbers(H, symbol.numbers->wide());
        for (std::size_t i = 0; i < H; ++i) initial.set(i, (*symbol.numbers)[d * H + i]);
      }
      continue;
    }
    Symbol given = as_data(symbol);
    if (given.dims.size() != 3 || given.sorted != x.sorted) refuse("an initial state of three axes", "another");
    expect_role(given, batch, Axis::batch);
    inputs[2 + state] = given.value;
  }

  const std::vector<ValueId> made =
      builder_.add(node_->name.empty() ? std::string(node_->op) : node_->name, std::move(part), inputs);
  const auto size = [](std::size_t number) { return Dim{static_cast<std::int64_t>(number)}; };
  Symbol sequence = x;
  sequence.value = made[0];
  const Dim T = x.dims[time], rows = x.dims[batch];
  const bool no_time = x.feature[time], no_rows = x.feature[batch];
  if (by_row) {
    sequence.dims = {rows, T, size(D), size(H)};
    sequence.feature = {no_rows, no_time, true, true};
  } else {
    sequence.dims = {T, size(D), rows, size(H)};
    sequence.feature = {no_time, true, no_rows, true};
  }
  out(0, sequence);
  for (std::size_t state = 1; state < made.size(); ++state) {
    Symbol last = sequence;
    last.value = made[state];
    last.dims = by_row ? std::vector<Dim>{rows, size(D), size(H)} : std::vector<Dim>{size(D), rows, size(H)};
    last.feature = by_row ? std::vector<bool>{no_rows, true, true} : std::vector<bool>{true, no_rows, true};
    out(state, std::move(last));
  }
}

}  // namespace sluice::foreign
