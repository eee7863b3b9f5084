// A model made of a foreign network, on the arrays that the network reads.
#include <algorithm>

#include "base/threads.h"
#include "formats/foreign/evaluate.h"
#include "formats/foreign/to_model.h"
#include "kernels/pointwise.h"
#include "model/model_access.h"
#include "model/network.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

using Doubles = std::vector<double>;

class Run {
 public:
  Run(const Converted& converted, const Network& network, const Feed& feed)
      : converted_(converted), network_(network), feed_(feed), engine_(network_of(converted.model)) {}

  std::vector<Doubles> run() {
    const auto given = feed_.inputs.find(converted_.lengths);
    if (converted_.lengths == no_value || given == feed_.inputs.end()) {
      return pass(feed_.steps, feed_.batch, [&](ValueId id) -> const Doubles* { return find(id); });
    }
    // The reference's numbers, and in place of those that count the engine's, row by row.
    std::vector<Doubles> made = evaluate(network_, feed_);
    for (std::size_t b = 0; b < feed_.batch; ++b) {
      const auto length = static_cast<std::size_t>(given->second[b]);
      if (length == 0) continue;
      Doubles row;
      const auto one = pass(length, 1, [&](ValueId id) -> const Doubles* {
        const Doubles* all = find(id);
        if (all == nullptr) return nullptr;
        row = row_of(*all, id, b, length);
        return &row;
      });
      for (std::size_t k = 0; k < made.size(); ++k) {
        const std::size_t steps = is_over_time(network_.outputs[k].value) ? length : 1, size = one[k].size() / steps;
        for (std::size_t i = 0; i < one[k].size(); ++i)
          made[k][(i / size * feed_.batch + b) * size + i % size] = one[k][i];
      }
    }
    return made;
  }

 private:
  const Doubles* find(ValueId id) const {
    const auto given = feed_.inputs.find(id);
    return given == feed_.inputs.end() ? nullptr : &given->second;
  }
  bool is_over_time(ValueId id) const {
    const Kind kind = network_.values[id].kind;
    return kind == Kind::sequence || kind == Kind::tokens;
  }
  Doubles row_of(const Doubles& all, ValueId id, std::size_t b, std::size_t length) const {
    const std::size_t steps = is_over_time(id) ? length : 1,
                      size = all.size() / feed_.batch / (is_over_time(id) ? feed_.steps : 1);
    Doubles row;
    for (std::size_t t = 0; t < steps; ++t) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>((t * feed_.batch + b) * size);
      row.insert(row.end(), first, first + static_cast<std::ptrdiff_t>(size));
    }
    return row;
  }

  float& state_at(State& state, const StateUnit& unit, std::size_t b) const {
    const std::size_t hidden = std::get<Recurrent>(network_.parts[unit.part].work).hidden;
    const std::size_t block = converted_.blocks[unit.part] + unit.feature / hidden;
    return state.of(block, unit.memory ? 1 : 0)[b * hidden + unit.feature % hidden];
  }

  template <class Find>
  std::vector<Doubles> pass(std::size_t steps, std::size_t batch, Find&& numbers_of) const {
    const FlushDenormals flush;
    State state = engine_.initial_state(batch);
    for (const Port& port : network_.inputs) {
      const std::vector<StateUnit> units = initial_units(network_, port);
      const Doubles* numbers = units.empty() ? nullptr : numbers_of(port.value);
      for (std::size_t i = 0; numbers != nullptr && i < numbers->size(); ++i) {
        state_at(state, units[i % units.size()], i / units.size()) = static_cast<float>((*numbers)[i]);
      }
    }
    const Doubles* read = numbers_of(network_.inputs[converted_.input].value);
    if (read == nullptr) throw Error(Status::usage, "expected numbers for every input, found none");
    std::vector<float> x;
    std::vector<Token> tokens;
    for (const double number : *read) {
      if (!converted_.model.reads_text()) {
        x.push_back(static_cast<float>(number));
      } else if (number >= 0 && number < static_cast<double>(engine_.vocabulary())) {
        tokens.push_back(static_cast<Token>(number));
      } else {
        throw Error(Status::usage, "expected tokens from 0 to " + std::to_string(engine_.vocabulary() - 1) +
                                       ", found " + std::to_string(number));
      }
    }
    const Doubles y = predict(converted_.model.reads_text() ? Rows(tokens) : Rows(x), steps, batch, state);
    std::vector<Doubles> outputs(network_.outputs.size());
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (k == converted_.output) {
        outputs[k] = y;
        continue;
      }
      const std::vector<StateUnit> units = last_units(network_, network_.outputs[k]);
      for (std::size_t b = 0; b < batch; ++b) {
        for (const StateUnit& unit : units) outputs[k].push_back(static_cast<double>(state_at(state, unit, b)));
      }
    }
    return outputs;
  }

  Doubles predict(const Rows& rows, std::size_t steps, std::size_t batch, State& state) const {
    Team team(1);
    Workspace workspace;
    const std::size_t outputs = engine_.outputs();
    const std::size_t count = converted_.model.config().head.at == "steps" ? steps * batch : batch;
    if (!converted_.logits) {
      std::vector<float> y(count * outputs);
      engine_.predict({rows, {}, steps, batch}, state, y, workspace, team);
      return {y.begin(), y.end()};
    }
    engine_.forward({rows, {}, steps, batch}, state, workspace, team);
    const std::span<const float> logits = engine_.logits(0, count, workspace, team);
    const std::size_t stride = logits.size() / count;
    Doubles y;
    for (std::size_t i = 0; i < count * outputs; ++i) {
      y.push_back(static_cast<double>(logits[i / outputs * stride + i % outputs]));
    }
    return y;
  }

  const Converted& converted_;
  const Network& network_;
  const Feed& feed_;
  const sluice::Network& engine_;
};

}  // namespace

std::vector<std::vector<double>> run_model(const Converted& converted, const Network& network, const Feed& feed) {
  return Run(converted, network, feed).run();
}

}  // namespace sluice::foreign
