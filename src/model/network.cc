// Making a network: its tensors, their first values, its parts and their packed form.
#include "model/network.h"

#include <algorithm>
#include <bit>

#include "base/fnv.h"
#include "base/random.h"
#include "kernels/pointwise.h"
#include "model/config.h"
#include "model/layout.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

HeadRows find_head_rows(const std::string& at) {
  return at == "last" ? HeadRows::last : at == "mean" ? HeadRows::mean : at == "max" ? HeadRows::max : HeadRows::steps;
}

SharedRoom larger(const SharedRoom& a, const SharedRoom& b) {
  return {std::max(a.factor, b.factor), std::max(a.columns, b.columns), std::max(a.sums, b.sums)};
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) { return mix64(hash * 0x9e3779b97f4a7c15u + value); }

}  // namespace

std::size_t parameter_count(const Config& config, std::size_t vocabulary) {
  std::size_t count = 0;
  for (const Shape& s : tensors_of(checked(config), vocabulary)) count += s.size();
  return count;
}

Network::Impl::Impl(const Impl& other)
    : config(other.config),
      layer_configs(other.layer_configs),
      vocabulary(other.vocabulary),
      format(other.format),
      packed(other.packed),
      parameters(other.parameters),
      embedding(other.embedding),
      spelling(other.spells() ? other.spelling->clone() : nullptr),
      head(other.head->clone()),
      head_rows(other.head_rows),
      mean(other.mean),
      inverse_deviation(other.inverse_deviation),
      linear(other.linear) {
  for (const auto& part : other.parts) parts.push_back(part->clone());
  list_recurrent();
}

void Network::Impl::list_recurrent() {
  for (const auto& part : parts) {
    const std::vector<const RecurrentLayer*> layers = part->recurrent();
    recurrent.insert(recurrent.end(), layers.begin(), layers.end());
  }
}

SharedRoom Network::Impl::room() const {
  SharedRoom all = {hidden(), hidden(), padded_outputs()};
  for (const auto& part : parts) all = larger(all, part->room());
  return spells() ? larger(all, spelling->room()) : all;
}

Network::Network(const Config& config, std::size_t vocabulary) : impl_(std::make_unique<Impl>()) {
  target();
  Impl& n = *impl_;
  n.config = checked(config);
  check_vocabulary(n.config, vocabulary);
  n.layer_configs = layers_of(n.config);
  n.vocabulary = vocabulary;
  n.head = make_head(n.config.head, n.config.inputs == 0);
  n.head_rows = find_head_rows(n.config.head.at);
  for (const double mean : n.config.scaling.mean) n.mean.push_back(static_cast<float>(mean));
  for (const double deviation : n.config.scaling.deviation) {
    n.inverse_deviation.push_back(static_cast<float>(1 / deviation));
  }
  n.parameters = Parameters(tensors_of(n.config, vocabulary));
  const std::vector<Shape>& tensors = n.parameters.shapes();
  std::size_t width = inputs_of(n.config);
  if (n.config.inputs == 0) n.embedding.emplace(vocabulary, n.config.embedding, row_stride(width), 0);
  if (n.config.spelling.characters > 0) {
    n.spelling = std::make_unique<SpellingLayer>(n.config.spelling, tensors);
  }
  for (std::size_t l = 0; l < n.layer_configs.size(); ++l) {
    n.parts.push_back(make_part(n.layer_configs[l], l, width, tensors));
    width = n.parts.back()->outputs();
  }
  n.list_recurrent();
  const std::size_t bias = tensors.size() - 1, weight = n.config.tied ? 0 : bias - 1;
  n.linear.emplace(width, head_columns(n.config, vocabulary), weight, bias, n.head->pad());
}

Network::Network(const Config& config, std::size_t vocabulary, std::uint64_t seed) : Network(config, vocabulary) {
  initialize(impl_->config, seed, impl_->parameters);
  Team alone(1);
  pack(alone);
}

Network::Network(const Network& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Network& Network::operator=(const Network& other) {
  if (this != &other) impl_ = std::make_unique<Impl>(*other.impl_);
  return *this;
}
Network::~Network() = default;

const Config& Network::config() const { return impl_->config; }
const CellInfo& Network::cell() const { return impl_->recurrent.front()->cell(); }
std::span<const RecurrentLayer* const> Network::recurrent() const { return impl_->recurrent; }
const Head& Network::head() const { return *impl_->head; }
std::size_t Network::vocabulary() const { return impl_->vocabulary; }
std::size_t Network::outputs() const { return impl_->linear->outputs(); }
std::size_t Network::targets() const { return impl_->targets(); }
Format Network::format() const { return impl_->format; }

bool Network::streams() const {
  const auto forward = [](const LayerConfig& layer) {
    return layer.kind != "recurrent" || layer.direction == "forward";
  };
  return (impl_->head_rows == HeadRows::steps || impl_->head_rows == HeadRows::last) && !impl_->spells() &&
         std::ranges::all_of(impl_->layer_configs, forward);
}

void Network::set_format(Format format, Team& team) {
  impl_->format = format;
  pack(team);
}

Parameters& Network::parameters() { return impl_->parameters; }
const Parameters& Network::parameters() const { return impl_->parameters; }

State Network::initial_state(std::size_t batch) const {
  std::vector<StateShape> shapes;
  for (const RecurrentLayer* layer : impl_->recurrent) shapes.push_back(state_shape(*layer));
  State state(std::move(shapes), batch);
  for (std::size_t l = 0; l < impl_->recurrent.size(); ++l) {
    const std::span<const float> first = impl_->recurrent[l]->initial_state(impl_->parameters);
    if (first.empty()) continue;
    const auto [states, hidden] = state.shape(l);
    for (std::size_t s = 0; s < states; ++s) {
      const std::span<float> rows = state.of(l, s);
      for (std::size_t b = 0; b < batch; ++b) std::copy_n(&first[s * hidden], hidden, &rows[b * hidden]);
    }
  }
  return state;
}

bool Network::learns_initial_state() const {
  return std::ranges::any_of(impl_->layer_configs,
                             [](const LayerConfig& layer) { return layer.initial_state == "learned"; });
}

std::uint64_t Network::fingerprint() const {
  const ScalingConfig& scaling = impl_->config.scaling;
  std::uint64_t hash = mixed(former_fingerprint(), scaling.mean.size());
  for (const std::vector<double>* numbers : {&scaling.mean, &scaling.deviation}) {
    for (const double number : *numbers) hash = mixed(hash, std::bit_cast<std::uint64_t>(number));
  }
  return hash == 0 ? 1 : hash;
}

std::uint64_t Network::former_fingerprint() const {
  constexpr std::size_t kMost = 1024;  // weights of a tensor: enough to tell models apart, few enough to cost nothing
  std::uint64_t hash = 0;
  const auto add = [&](std::uint64_t value) { hash = mixed(hash, value); };
  for (const LayerConfig& layer : impl_->layer_configs) {
    for (const std::string& text : {layer.kind, layer.cell, layer.direction, layer.activation})
      add(fnv1a(std::span<const char>(text)));
  }
  for (std::size_t i = 0; i < impl_->parameters.shapes().size(); ++i) {
    const std::span<const float> values = impl_->parameters[i];
    add(values.size());
    const std::size_t count = std::min(values.size(), kMost);
    for (std::size_t k = 0; k < count; ++k) add(std::bit_cast<std::uint32_t>(values[k * values.size() / count]));
  }
  return hash == 0 ? 1 : hash;
}

void Network::pack(Team& team) try {
  Impl& n = *impl_;
  for (const auto& part : n.parts) part->pack(n.parameters, n.format, team);
  if (n.spells()) n.spelling->pack(n.parameters, n.format, team);
  n.linear->pack(n.parameters, n.format, team);
  n.packed = true;
} catch (...) {
  impl_->packed = false;  // too little memory for some of it: nothing is there for anybody
  throw;
}

}  // namespace sluice
