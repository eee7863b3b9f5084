// See plan_words.h.
#include "plan_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "model/config.h"
#include "remarks.h"
#include "terminal.h"
#include "train/options.h"
#include "train/schedule.h"

namespace sluice::tool {
namespace {

template <class T>
Json value_of(const T& value) {
  if constexpr (NamedEnum<T>) {
    return field_text(value);
  } else {
    return value;
  }
}

// "2.4 times the text", "23,000 times".
std::string passes(const Plan& plan) {
  return plan.passes < 10 ? fmt::format("{:.2g}", plan.passes)
                          : thousands(static_cast<std::uint64_t>(std::llround(plan.passes)));
}

std::string length(const Plan& plan) {
  const TrainOptions& o = plan.train;
  if (o.minutes > 0) {
    return fmt::format("{} in all, about {} updates ({} times the text) as it looks now", duration(60 * o.minutes),
                       thousands(plan.updates), passes(plan));
  }
  if (o.updates == 0) return fmt::format("{} epochs", thousands(o.epochs));
  return fmt::format("{} updates ({} times the text)", thousands(o.updates), passes(plan));
}

std::string schedule(const Plan& plan) {
  const TrainOptions& o = plan.train;
  if (o.schedule != Schedule::trapezoid) return fmt::format("{} rate", field_text(o.schedule));
  if (o.minutes > 0 && o.cooldown == 0) return "the rate falls over the last fifth of the time";
  return fmt::format("the rate falls over the last {}", thousands(cooldown_of(o, plan.updates)));
}

}  // namespace

std::string in_words(const Plan& plan, const TextKind& text) {
  const TrainOptions& o = plan.train;
  const Config& c = plan.config;
  std::string network = fmt::format("{}, {}", c.stack.empty() ? c.cell : c.stack.front().cell, layers_in_words(c));
  if (c.stack.empty()) network += fmt::format(", dropout {}", field_text(c.dropout));
  std::string validation = "no validation";
  if (text.validation_tokens > 0 || o.validation_split > 0) {
    validation = text.validation_tokens > 0 ? std::string("a text of its own")
                                            : fmt::format("the last {}", percent(o.validation_split));
    validation += fmt::format(" validates in {} stream{}", o.validation_streams > 0 ? o.validation_streams : o.batch,
                              std::max<std::size_t>(o.validation_streams, 1) == 1 ? "" : "s");
  }
  return fmt::format("plan for {} {}: {}; batch {} x {} steps, rate {}, weight decay {}\n      {}; {}; {}; {}",
                     thousands(text.tokens), text.level == Level::character ? "characters" : "words", network, o.batch,
                     o.steps, field_text(o.learning_rate), field_text(o.weight_decay), length(plan), schedule(plan),
                     validation, field_text(o.precision));
}

std::string costs_in_words(const Plan& plan, double seconds) {
  return fmt::format("      {} parameters, about {} of memory and {} on this machine", thousands(plan.parameters),
                     memory(plan.bytes),
                     plan.train.minutes > 0 ? duration(60 * plan.train.minutes) : duration(seconds));
}

Json to_json(const Plan& plan, const TextKind& text, double seconds) {
  Json network = Json::object(), training = Json::object();
  visit_config(plan.config, [&](const char* name, const auto& value, const char*) { network[name] = value_of(value); });
  visit_training(plan.train, [&](const Field& field, const auto& value, Effect effect) {
    if (effect != Effect::execution) training[field.name] = value_of(value);
  });
  return {{"tokens", text.tokens},
          {"vocabulary", text.vocabulary},
          {"parameters", plan.parameters},
          {"memory_bytes", plan.bytes},
          {"updates", plan.updates},
          {"passes", plan.passes},
          {"seconds", plan.train.minutes > 0 ? 60 * plan.train.minutes : seconds},
          {"network", network},
          {"options", training}};
}

}  // namespace sluice::tool
