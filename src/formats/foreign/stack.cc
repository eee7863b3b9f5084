// From the output back to the input: which parts lie on the way, and what lies beside it. Scaling, selecting, joining
// and adding between two layers are one linear map, which goes into the weights of the layer above.
#include "formats/foreign/stack.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/shown.h"
#include "formats/foreign/linear_map.h"
#include "formats/foreign/stack_layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::size_t most_features = std::size_t{1} << 17;  // those that a layer of ours may have
constexpr std::size_t most_terms = std::size_t{1} << 21;     // of all maps, so that an untrusted file fills no memory

// What a value is, seen from the nearest layer below: a linear map of that layer's outputs, of some of its steps, and
// where a part has added features of an input to it, a map of those.
struct Source {
  ValueId value = no_value;
  LinearMap map;
  Steps steps = Steps::all;
  const Part* skip = nullptr;  // the part that added them
  ValueId skips_from = no_value;
  LinearMap skip_map = {};

  template <class Work>
  Source then(const Work& work) const {
    return {value, map.then(work), steps, skip, skips_from, skip == nullptr ? LinearMap() : skip_map.then(work)};
  }
};

class Walk {
 public:
  Walk(const Network& network, const std::string& path)
      : network_(network), refusal_(network, path), makers_(network.values.size()), sources_(network.values.size()) {
    for (const Part& part : network.parts) {
      for (const ValueId made : part.outputs) makers_[made] = &part;
    }
  }

  Stack run() {
    stack_.output = output_port();
    const ValueId result = network_.outputs[stack_.output].value;
    mark(result);
    for (const Part& part : network_.parts) {
      if (needed_[index_of(part)]) trace(part);
    }
    std::vector<StackPiece> pieces;
    Source source = source_of(result);
    LinearMap last_map = source.map;
    Steps last_steps = source.steps;
    while (const Part* part = makers_[source.value]) {
      if (std::holds_alternative<Embedding>(part->work) || std::holds_alternative<OneHot>(part->work)) break;
      if (joins_.contains(source.value)) refusal_.refuse(*part, "one chain of layers");
      if (source.skip != nullptr) take_skip(source);
      StackPiece piece = piece_of(*part);
      source = source_of(piece.reads);
      if (source.skip != nullptr) refusal_.refuse(*source.skip, "one chain of layers");
      piece.map = source.map;
      piece.steps = source.steps;
      pieces.insert(pieces.begin(), std::move(piece));
    }
    take_input(source.value);
    if (skips_from_ != no_value && skips_from_ != network_.inputs[stack_.input].value) {
      refusal_.refuse("one input, that of the layers, to add to the outputs", "another one");
    }
    for (const StackPiece& piece : pieces) {
      if (std::holds_alternative<Recurrent>(piece.part->work)) check_mask(*piece.part);
    }
    // Of rows with lengths of their own the states are the last ones that count, and the last step of an input is not.
    if (skips_from_ != no_value && masks_ == Masks::lengths && last_steps != Steps::all) {
      refusal_.refuse("no input added to the last of steps with lengths of their own", "one");
    }
    check_rest();
    if (pieces.empty()) refusal_.refuse("a recurrent layer", "none");
    build_layers(refusal_, std::move(pieces), last_map, last_steps, masks_ == Masks::lengths, stack_);
    return std::move(stack_);
  }

 private:
  enum class Masks { unknown, none, lengths };

  std::size_t index_of(const Part& part) const { return static_cast<std::size_t>(&part - network_.parts.data()); }

  // The first output that is more than states; where all are states, the first.
  std::size_t output_port() const {
    for (std::size_t i = 0; i < network_.outputs.size(); ++i) {
      if (last_units(network_, network_.outputs[i]).empty()) return i;
    }
    return 0;
  }

  // The parts that the output's numbers come from; the states that a layer begins at are no such.
  void mark(ValueId result) {
    needed_.assign(network_.parts.size(), false);
    std::vector<bool> wanted(network_.values.size());
    wanted[result] = true;
    for (std::size_t p = network_.parts.size(); p-- > 0;) {
      const Part& part = network_.parts[p];
      needed_[p] = std::ranges::any_of(part.outputs, [&](ValueId made) { return wanted[made]; });
      if (!needed_[p]) continue;
      const std::size_t count = std::holds_alternative<Combine>(part.work) ? part.inputs.size() : 1;
      for (std::size_t i = 0; i < count; ++i) wanted[part.inputs[i]] = true;
    }
  }

  const Source& source_of(ValueId id) {
    Source& source = sources_[id];
    if (network_.values[id].features > most_features) {
      refusal_.refuse("at most " + std::to_string(most_features) + " numbers a row", "more");
    }
    if (source.value == no_value) source = {id, LinearMap(network_.values[id].features)};
    return source;
  }

  void trace(const Part& part) {
    if (const auto* scale = std::get_if<Scale>(&part.work)) {
      const Source& from = source_of(part.inputs[0]);
      return put(part, from.then(*scale));
    }
    if (const auto* select = std::get_if<Select>(&part.work)) {
      const Source& from = source_of(part.inputs[0]);
      return put(part, out_of_join(from.then(*select)));
    }
    if (const auto* combine = std::get_if<Combine>(&part.work)) return trace(part, *combine);
    if (const auto* pool = std::get_if<Pool>(&part.work)) return trace(part, *pool);
    if (const auto* layer = std::get_if<Recurrent>(&part.work)) {
      const bool forward = layer->directions.size() == 1 && !layer->directions[0].backward;
      const ValueId rows = part.outputs[0];
      sources_[part.outputs[1]] = {rows, LinearMap(network_.values[rows].features),
                                   forward ? Steps::last : Steps::state};
      return;
    }
    const bool known = std::holds_alternative<Dense>(part.work) || std::holds_alternative<Elementwise>(part.work) ||
                       std::holds_alternative<Embedding>(part.work) || std::holds_alternative<OneHot>(part.work);
    if (!known) refusal_.refuse(part, "an embedding, recurrent and dense layers in one chain");
  }

  void put(const Part& part, Source source) {
    terms_ += source.map.size() + source.skip_map.size();
    if (terms_ > most_terms) refusal_.refuse(part, "fewer numbers that are selected and added");
    sources_[part.outputs[0]] = std::move(source);
  }

  void trace(const Part& part, const Combine& combine) {
    if (combine.how == Combination::product) refusal_.refuse(part, "values that are not multiplied");
    std::vector<Source> from;
    for (const ValueId id : part.inputs) from.push_back(source_of(id));
    std::vector<const LinearMap*> maps;
    bool same = true;
    for (const Source& source : from) {
      same = same && source.value == from[0].value && source.steps == from[0].steps && source.skip == nullptr;
      maps.push_back(&source.map);
    }
    if (!same) {
      if (combine.how == Combination::sum && from.size() == 2) {
        if (is_input(from[0])) std::swap(from[0], from[1]);
        if (is_input(from[1]) && from[0].skip == nullptr && from[0].steps == from[1].steps) {
          return put(part, {from[0].value, from[0].map, from[0].steps, &part, from[1].value, from[1].map});
        }
      }
      if (combine.how != Combination::concatenate) refusal_.refuse(part, "one chain of layers");
      joins_[part.outputs[0]] = std::move(from);  // of which a selection may take one
      return;
    }
    const double factor = combine.how == Combination::average ? 1 / static_cast<double>(maps.size()) : 1;
    put(part, {from[0].value,
               combine.how == Combination::concatenate ? LinearMap::side_by_side(maps) : LinearMap::sum(maps, factor),
               from[0].steps});
  }

  bool is_input(const Source& source) const { return makers_[source.value] == nullptr && source.skip == nullptr; }

  // Each output of the network has one feature added to it, as it is read.
  void take_skip(const Source& source) {
    for (std::size_t i = 0; i < source.skip_map.outputs(); ++i) {
      const LinearMap::Row row = source.skip_map.row(i);
      if (row.terms.size() != 1 || row.terms[0].factor != 1 || row.offset != 0) {
        refusal_.refuse(*source.skip, "one feature to add to each output, as it is read");
      }
      stack_.head_config.residual.push_back(static_cast<double>(row.terms[0].feature));
    }
    skips_from_ = source.skips_from;
  }

  // What lies in one of several joined values alone is seen from there.
  Source out_of_join(Source source) const {
    const auto join = joins_.find(source.value);
    if (join == joins_.end()) return source;
    Select select;
    const Source* taken = nullptr;
    for (std::size_t i = 0; i < source.map.outputs(); ++i) {
      const LinearMap::Row row = source.map.row(i);
      if (row.terms.size() != 1 || row.terms[0].factor != 1 || row.offset != 0) return source;
      std::size_t feature = row.terms[0].feature;
      auto piece = join->second.begin();
      while (feature >= piece->map.outputs()) feature -= (piece++)->map.outputs();
      if (taken != nullptr && taken != &*piece) return source;
      taken = &*piece;
      select.features.push_back(feature);
    }
    return taken->then(select);
  }

  void trace(const Part& part, const Pool& pool) {
    Source source = source_of(part.inputs[0]);
    const Part* maker = makers_[source.value];
    const auto* layer = maker == nullptr ? nullptr : std::get_if<Recurrent>(&maker->work);
    const bool backward = layer != nullptr && (layer->directions.size() > 1 || layer->directions[0].backward);
    if (layer != nullptr && maker->inputs.size() > 1 && maker->inputs[1] != no_value) {
      refusal_.refuse(part, "the last state in place of a step where rows have lengths of their own");
    }
    if (source.skip != nullptr && pool.how != Pooling::last) {
      refusal_.refuse(part, "the last step where an input is added");
    }
    if (pool.how == Pooling::first) {
      if (!backward || layer->directions.size() > 1) refusal_.refuse(part, "the first step of a backward layer alone");
      source.steps = Steps::state;
    } else if (pool.how == Pooling::last) {
      if (backward) refusal_.refuse(part, "the last step of layers that read forward");
      source.steps = Steps::last;
    } else {
      if (pool.how == Pooling::maximum && !source.map.is_identity()) refusal_.refuse(part, "a maximum of a layer");
      source.steps = pool.how == Pooling::mean ? Steps::mean : Steps::maximum;
    }
    put(part, std::move(source));
  }

  StackPiece piece_of(const Part& part) {
    StackPiece piece = {&part, part.inputs[0]};
    if (std::holds_alternative<Recurrent>(part.work)) return piece;
    if (const auto* dense = std::get_if<Dense>(&part.work)) {
      piece.dense = *dense;
      return piece;
    }
    // An activation belongs to the dense layer below it; on its own, it is a layer that leaves its inputs as they are.
    piece.activation = std::get<Elementwise>(part.work).activation;
    const Source& below = source_of(part.inputs[0]);
    const Part* maker = joins_.contains(below.value) ? nullptr : makers_[below.value];
    const bool own = below.steps == Steps::all || below.steps == Steps::last;
    if (const auto* dense = maker == nullptr ? nullptr : std::get_if<Dense>(&maker->work); dense != nullptr && own) {
      piece.dense = below.map.after(*dense);
      piece.part = maker;
      piece.reads = maker->inputs[0];
      piece.own_steps = below.steps;
    } else {
      const std::size_t features = network_.values[part.inputs[0]].features;
      if (features > most_diagonal) refusal_.refuse(part, "a dense layer below it");
      piece.dense = LinearMap(features).dense();
    }
    return piece;
  }

  void take_input(ValueId value) {
    const Part* part = makers_[value];
    ValueId port = value;
    if (part != nullptr) {
      port = part->inputs[0];
      if (const auto* embedding = std::get_if<Embedding>(&part->work)) {
        if (embedding->masks_zero) refusal_.refuse(*part, "an embedding without a mask");
        stack_.tokens = embedding->tokens;
        stack_.inputs = embedding->size;
        stack_.table = embedding->table;
      } else {
        const std::size_t size = std::get<OneHot>(part->work).size;
        if (size > most_diagonal)
          refusal_.refuse(*part, "at most " + std::to_string(most_diagonal) + " tokens of one 1");
        stack_.tokens = stack_.inputs = size;
        stack_.table = LinearMap(size).dense().weight;
      }
    } else {
      stack_.inputs = network_.values[value].features;
      if (network_.values[value].kind != Kind::sequence) refusal_.refuse("numbers of every step", "another input");
    }
    const auto found = std::ranges::find(network_.inputs, port, &Port::value);
    if (found == network_.inputs.end()) refusal_.refuse("an input of the network", "none");
    stack_.input = static_cast<std::size_t>(found - network_.inputs.begin());
  }

  // The steps that count: all of them, or as many of each row as its length says, of every layer alike.
  void check_mask(const Part& part) {
    const ValueId mask = part.inputs.size() > 1 ? part.inputs[1] : no_value;
    const Part* maker = mask == no_value ? nullptr : makers_[mask];
    const bool lengths = maker != nullptr && std::holds_alternative<LengthMask>(maker->work);
    if (mask != no_value && !lengths) refusal_.refuse(part, "a layer without a mask");
    const Masks now = lengths ? Masks::lengths : Masks::none;
    if (masks_ != Masks::unknown && masks_ != now) refusal_.refuse(part, "the same lengths for every layer");
    if (lengths && stack_.lengths != no_value && stack_.lengths != maker->inputs[0]) {
      refusal_.refuse(part, "the same lengths for every layer");
    }
    masks_ = now;
    if (lengths) stack_.lengths = maker->inputs[0];
  }

  // Whatever does not lie on the way may only hand states in and out.
  void check_rest() const {
    for (const Part& part : network_.parts) {
      const bool state = std::holds_alternative<Select>(part.work) || std::holds_alternative<Combine>(part.work);
      const bool known = needed_[index_of(part)] || std::holds_alternative<LengthMask>(part.work);
      if (!known && !(state && network_.values[part.outputs.front()].kind == Kind::vector)) {
        refusal_.refuse(part, "one chain of parts");
      }
    }
    for (std::size_t i = 0; i < network_.outputs.size(); ++i) {
      const Port& port = network_.outputs[i];
      if (i != stack_.output && last_units(network_, port).empty()) {
        refusal_.refuse("one output besides states", shown(port.name));
      }
    }
    for (std::size_t i = 0; i < network_.inputs.size(); ++i) {
      const Port& port = network_.inputs[i];
      if (i != stack_.input && port.value != stack_.lengths && initial_units(network_, port).empty()) {
        refusal_.refuse("one input besides states", shown(port.name));
      }
    }
  }

  const Network& network_;
  Refusal refusal_;
  std::vector<const Part*> makers_;  // of every value; none: an input
  std::vector<bool> needed_;         // parts that the output comes from
  std::vector<Source> sources_;
  std::map<ValueId, std::vector<Source>> joins_;  // values of different layers side by side
  ValueId skips_from_ = no_value;                 // the input of which features are added to the outputs
  std::size_t terms_ = 0;
  Masks masks_ = Masks::unknown;
  Stack stack_;
};

}  // namespace

void Refusal::refuse(const std::string& expected, const std::string& found) const {
  throw Error(Status::failed,
              path_ + ": a model file cannot hold this network: expected " + expected + ", found " + found);
}

void Refusal::refuse(const Part& part, const std::string& expected) const {
  const auto index = static_cast<std::size_t>(&part - network_.parts.data());
  refuse(expected, shown(part.name) + " (" + summary(network_)[index].what + ")");
}

Stack stack_of(const Network& network, const std::string& path) { return Walk(network, path).run(); }

}  // namespace sluice::foreign
