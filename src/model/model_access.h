// What the inside of the library sees of a model and its public face does not show: the network.
#pragma once

#include <memory>
#include <utility>

#include "model/network.h"
#include "sluice/model.h"

namespace sluice {

struct ModelAccess {
  static Model make(std::shared_ptr<Network> network, Vocabulary vocabulary) {
    return {std::move(network), std::move(vocabulary)};
  }
  static const Network& network(const Model& model) { return *model.network_; }
  static Network& own_network(Model& model);
  // false: copies and streams made from now on have networks of their own.
  static void share(Model& model, bool share) { model.shares_ = share; }
};

inline const Network& network_of(const Model& model) { return ModelAccess::network(model); }
// To be changed: the model's own, copied if it was shared. Whoever keeps the reference sees to it that it stays so.
inline Network& network_of(Model& model) { return ModelAccess::own_network(model); }

}  // namespace sluice
