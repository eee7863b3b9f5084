// Making a network: its tensors, their first values, their packed form.
//
// First values, as the field does it:
//   W    uniform(+-sqrt(6 / (I + H))) per gate                (Glorot & Bengio 2010, eq. 16)
//   U    orthogonal per gate                                  (Saxe, McClelland & Ganguli 2014, section 3)
//   b    0, the LSTM's forget gate `forget_bias`              (Gers et al. 2000; Jozefowicz et al. 2015, section 3.2)
//   embedding   normal(0, 1); tied: uniform(+-0.1)            (the latter as in Zaremba et al. 2014 and after)
//   head        uniform(+-1 / sqrt(H)), bias 0
#include "model/network.h"

#include <cmath>

#include "kernels/pointwise.h"
#include "model/config.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

std::vector<Shape> tensors(const Config& config, const CellInfo& cell, const CellShape& shape, std::size_t vocabulary) {
  const std::size_t h = config.hidden;
  const bool text = config.inputs == 0;
  std::vector<Shape> all;
  if (text) all.push_back({"embedding.weight", vocabulary, config.embedding});
  for (std::size_t l = 0; l < config.layers; ++l) {
    const std::string suffix = "_l" + std::to_string(l);
    all.push_back({"rnn.weight_ih" + suffix, cell.input_rows * h, l > 0 ? h : text ? config.embedding : config.inputs});
    all.push_back({"rnn.weight_hh" + suffix, cell.recurrent_rows * h, h});
    all.push_back({"rnn.bias" + suffix, cell.input_rows * h, 1});
    if (shape.own_bias >= 0) all.push_back({"rnn.bias_hn" + suffix, h, 1});
  }
  const std::size_t outputs = text ? vocabulary : config.outputs;
  if (!config.tied) all.push_back({"head.weight", outputs, h});
  all.push_back({"head.bias", outputs, 1});
  return all;
}

void fill_uniform(std::span<float> values, double bound, Random& random) {
  for (float& v : values) v = static_cast<float>((2 * random.uniform() - 1) * bound);
}

// Rows of an n x n matrix of normals made orthonormal by Gram-Schmidt, twice over for f64's sake.
void fill_orthogonal(std::span<float> values, std::size_t n, Random& random) {
  std::vector<double> m(n * n);
  for (double& v : m) v = random.normal();
  for (std::size_t i = 0; i < n; ++i) {
    double* row = m.data() + i * n;
    for (int round = 0; round < 2; ++round) {
      for (std::size_t j = 0; j < i; ++j) {
        const double* other = m.data() + j * n;
        double dot = 0;
        for (std::size_t k = 0; k < n; ++k) dot += row[k] * other[k];
        for (std::size_t k = 0; k < n; ++k) row[k] -= dot * other[k];
      }
    }
    double norm = 0;
    for (std::size_t k = 0; k < n; ++k) norm += row[k] * row[k];
    const double scale = norm > 0 ? 1 / std::sqrt(norm) : 0;
    for (std::size_t k = 0; k < n; ++k) row[k] *= scale;
  }
  for (std::size_t i = 0; i < n * n; ++i) values[i] = static_cast<float>(m[i]);
}

// Each tensor draws from a stream of its own, so that a tensor's first values do not hang on the sizes of others.
void initialise(Network::Impl& n, std::uint64_t seed) {
  const std::size_t h = n.hidden();
  for (std::size_t i = 0; i < n.parameters.shapes().size(); ++i) {
    const Shape& shape = n.parameters.shapes()[i];
    const std::span<float> values = n.parameters[i];
    Random random(seed, i);
    if (shape.name == "embedding.weight") {
      if (n.config.tied) {
        fill_uniform(values, 0.1, random);
      } else {
        for (float& v : values) v = static_cast<float>(random.normal());
      }
    } else if (shape.name == "head.weight") {
      fill_uniform(values, 1 / std::sqrt(static_cast<double>(h)), random);
    } else if (shape.name.starts_with("rnn.weight_ih")) {
      fill_uniform(values, std::sqrt(6.0 / static_cast<double>(shape.columns + h)), random);
    } else if (shape.name.starts_with("rnn.weight_hh")) {
      for (std::size_t g = 0; g < shape.rows / h; ++g) fill_orthogonal(values.subspan(g * h * h, h * h), h, random);
    } else if (shape.name.starts_with("rnn.bias_l") && n.shape->forget_row >= 0) {
      for (float& v : values.subspan(static_cast<std::size_t>(n.shape->forget_row) * h, h)) {
        v = static_cast<float>(n.config.forget_bias);
      }
    }
  }
}

}  // namespace

std::size_t parameter_count(const Config& config, std::size_t vocabulary) {
  const Config c = checked(config);
  std::size_t count = 0;
  for (const Shape& s : tensors(c, find_cell(c.cell), *find_shape(c.cell, c.activation), vocabulary)) count += s.size();
  return count;
}

Network::Network(const Config& config, std::size_t vocabulary) : impl_(std::make_unique<Impl>()) {
  target();
  Impl& n = *impl_;
  n.config = checked(config);
  n.vocabulary = vocabulary;
  n.info = &find_cell(n.config.cell);
  n.shape = find_shape(n.config.cell, n.config.activation);
  n.parameters = Parameters(tensors(n.config, *n.info, *n.shape, vocabulary));
}

Network::Network(const Config& config, std::size_t vocabulary, std::uint64_t seed) : Network(config, vocabulary) {
  initialise(*impl_, seed);
  Team alone(1);
  pack(alone);
}

Network::Network(const Network& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Network& Network::operator=(const Network& other) {
  *impl_ = *other.impl_;
  return *this;
}
Network::~Network() = default;

const Config& Network::config() const { return impl_->config; }
const CellInfo& Network::cell() const { return *impl_->info; }
std::size_t Network::vocabulary() const { return impl_->vocabulary; }
std::size_t Network::outputs() const { return impl_->outputs(); }
Format Network::format() const { return impl_->format; }

void Network::set_format(Format format, Team& team) {
  impl_->format = format;
  pack(team);
}

Parameters& Network::parameters() { return impl_->parameters; }
const Parameters& Network::parameters() const { return impl_->parameters; }

State Network::initial_state(std::size_t batch) const {
  return {impl_->config.layers, impl_->states(), batch, impl_->hidden()};
}

void Network::pack(Team& team) try {
  Impl& n = *impl_;
  n.layers.resize(n.config.layers);
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    pack_layer(*n.shape, n.hidden(), n.layer_shape(l).inputs, n.layer_parameters(l), n.format, n.layers[l], team);
  }
  n.transposed_inputs.outdate();
  n.transposed_recurrent.outdate();
  pack_head(n.parameters[n.head_weight_tensor()], n.parameters[n.head_bias_tensor()], n.outputs(), n.hidden(),
            n.reads_text() ? kNoLogit : 0, n.format, n.head, n.head_bias, team);
} catch (...) {
  impl_->layers.clear();  // too little memory for some of them: none is there for anybody
  throw;
}

}  // namespace sluice
