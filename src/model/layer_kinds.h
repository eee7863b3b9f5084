// The one list of kinds of layers. A kind is a class derived from Part (model/part.h) with, besides,
//
//   kName                               LayerConfig::kind
//   makes(config)                       whether a layer of this config is one of the class
//   check(config, where)                throws Error (usage) for fields out of range; `where` goes before their names
//   uses(config, field)                 whether it has a use for the field of that name (LayerConfig)
//   add_tensors(config, place, inputs, all)   its tensors, to the list of a network's (model/layout.h)
//   make(config, place, inputs, tensors)      the layer, number `place` from the input, of the list of all tensors
//   forward(), backward()               a pass over a window and its way back (model/part.h says why not virtual)
#pragma once

#include <algorithm>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "model/dense_layer.h"
#include "model/directed_layer.h"
#include "model/recurrent_layer.h"

namespace sluice {

template <class... Kinds>
struct LayerKindList {
  // Each once: classes of one kind stand side by side.
  static std::vector<std::string_view> names() {
    std::vector<std::string_view> all = {Kinds::kName...};
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }
};
using LayerKinds = LayerKindList<RecurrentLayer, DirectedLayer, DenseLayer>;

template <class Kind>
struct LayerKind {
  using type = Kind;
};

// Calls f(LayerKind<...>()) for the class of a layer of this config; false, and f is not called, for an unknown kind.
template <class F>
bool with_kind_of(const LayerConfig& config, F&& f) {
  return [&]<class... Kinds>(LayerKindList<Kinds...>) {
    return ((Kinds::makes(config) && (f(LayerKind<Kinds>()), true)) || ...);
  }(LayerKinds());
}

// Calls f with the part as what it is.
template <class F>
void as_its_kind(const Part& part, F&& f) {
  [&]<class... Kinds>(LayerKindList<Kinds...>) {
    static_cast<void>(((typeid(part) == typeid(Kinds) && (f(static_cast<const Kinds&>(part)), true)) || ...));
  }(LayerKinds());
}

}  // namespace sluice
