#include "lessons/request.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "base/json_tree.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, name + ": expected " + expected + ", found " + found);
}

std::string found_text(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return value.is_string() ? shown(value.get_ref<const std::string&>()) : value.dump();
}

void read(const Json& value, const std::string& name, std::string& out) {
  if (!value.is_string()) refuse(name, "a string", found_text(value));
  out = value.get<std::string>();
}

void read(const Json& value, const std::string& name, bool& out) {
  if (!value.is_boolean()) refuse(name, "true or false", found_text(value));
  out = value.get<bool>();
}

void read(const Json& value, const std::string& name, std::size_t& out) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 53;  // what every reader of JSON can hold
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) {
    refuse(name, "a whole number, 0 or more", found_text(value));
  }
  out = value.get<std::uint64_t>();
}

void read(const Json& value, const std::string& name, double& out) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) refuse(name, "a number", found_text(value));
  out = value.get<double>();
}

template <class T>
void read(const Json& value, const std::string& name, std::optional<T>& out) {
  if (value.is_null()) return out.reset();
  T one{};
  read(value, name, one);
  out = std::move(one);
}

// The names of one object, each read at most once; what is left over at the end is unknown.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) refuse(where_.empty() ? "body" : where_, "an object", found_text(object));
  }

  const Json* find(const std::string& name) {
    known_.push_back(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  template <class T>
  void get(const std::string& name, T& out) {
    if (const Json* value = find(name)) read(*value, named(name), out);
  }
  template <class T>
  void need(const std::string& name, T& out) {
    const Json* value = find(name);
    if (value == nullptr) refuse(named(name), "a value", "none");
    read(*value, named(name), out);
  }
  std::string named(const std::string& name) const { return where_.empty() ? name : where_ + "." + name; }

  void done() const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string list;
      for (const std::string& known : known_) list += (list.empty() ? "" : ", ") + known;
      refuse(where_.empty() ? "body" : where_, "names out of " + list, shown(name));
    }
  }

 private:
  const Json& object_;
  std::string where_;
  std::vector<std::string> known_;
};

void expect_between(const std::string& name, double value, double least, double most) {
  if (value >= least && value <= most) return;
  refuse(name, Json(least).dump() + " to " + Json(most).dump(), Json(value).dump());
}

void expect_at_most(const std::string& name, std::size_t value, std::size_t least, std::size_t most) {
  if (value >= least && value <= most) return;
  refuse(name, std::to_string(least) + " to " + std::to_string(most), std::to_string(value));
}

// What is wrong with a request is the caller's fault, not a file's.
Json parse(std::string_view body, const RequestLimits& limits) {
  try {
    return read_json(body, "body", limits.body_bytes);
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& error) {
    throw Error(Status::usage, error.what());
  }
}

// "gru" or ["gru", "lstm"].
void read_models(Fields& fields, std::vector<std::string>& models) {
  const Json* value = fields.find("model");
  if (value == nullptr || value->is_null()) return;
  if (value->is_string()) {
    models = {value->get<std::string>()};
    return;
  }
  if (!value->is_array() || value->empty() || value->size() > 64) {
    refuse("model", "a name or a list of 1 to 64 names", found_text(*value));
  }
  for (const Json& name : *value) read(name, "model", models.emplace_back());
}

// A list of objects or numbers; f reads one of them.
template <class F>
void for_each(Fields& fields, const std::string& name, std::size_t most, F&& f) {
  const Json* list = fields.find(name);
  if (list == nullptr || list->is_null()) return;
  const std::string where = fields.named(name);
  if (!list->is_array()) refuse(where, "a list", found_text(*list));
  if (list->size() > most) refuse(where, "at most " + std::to_string(most), std::to_string(list->size()));
  for (const Json& one : *list) f(one, where);
}

Clamp read_clamp(const Json& value, const std::string& where) {
  constexpr std::size_t kMostUnits = std::size_t{1} << 14;
  Fields fields(value, where);
  Clamp clamp;
  fields.need("gate", clamp.gate);
  fields.need("value", clamp.value);
  fields.get("layer", clamp.layer);
  fields.get("first", clamp.first);
  fields.get("last", clamp.last);
  for_each(fields, "units", kMostUnits,
           [&](const Json& unit, const std::string& name) { read(unit, name, clamp.units.emplace_back()); });
  expect_between(fields.named("value"), clamp.value, 0, 1);
  fields.done();
  return clamp;
}

Changes read_changes(const Json& value, const RequestLimits& limits) {
  Fields fields(value, "changes");
  Changes changes;
  for_each(fields, "replace", limits.changes, [&](const Json& one, const std::string& where) {
    Fields replace(one, where);
    Replacement& r = changes.replace.emplace_back();
    replace.need("at", r.at);
    replace.need("with", r.with);
    replace.done();
  });
  for_each(fields, "delete", limits.tokens,
           [&](const Json& one, const std::string& where) { read(one, where, changes.remove.emplace_back()); });
  for_each(fields, "clamp", limits.changes,
           [&](const Json& one, const std::string& where) { changes.clamp.push_back(read_clamp(one, where)); });
  fields.done();
  return changes;
}

AblationQuestion read_ablation(const Json& json) {
  Fields fields(json, "ablation");
  AblationQuestion question;
  fields.get("from", question.from);
  std::string held_at = "mean";
  fields.get("held_at", held_at);
  if (held_at != "mean" && held_at != "zero") refuse("ablation.held_at", "\"mean\" or \"zero\"", shown(held_at));
  question.zero = held_at == "zero";
  fields.done();
  return question;
}

void read_units(Fields& fields, std::vector<Unit>& units, const RequestLimits& limits) {
  for_each(fields, "units", limits.units, [&](const Json& one, const std::string& where) {
    Fields unit(one, where);
    Unit& place = units.emplace_back();
    unit.get("layer", place.layer);
    unit.need("unit", place.unit);
    unit.done();
  });
}

MicroscopeQuestion read_microscope(const Json& json, const RequestLimits& limits) {
  Fields fields(json, "microscope");
  MicroscopeQuestion question;
  read_units(fields, question.units, limits);
  fields.done();
  return question;
}

LikeText read_like(const Json& json, const RequestLimits& limits) {
  Fields fields(json, "like");
  LikeText like;
  fields.need("text", like.text);
  fields.need("first", like.question.first);
  fields.need("last", like.question.last);
  fields.get("threshold", like.question.threshold);
  fields.get("layer", like.question.layer);
  fields.get("most", like.question.most);
  fields.done();
  expect_at_most("like.most", like.question.most, 1, limits.places);
  return like;
}

}  // namespace

GatesRequest read_gates_request(std::string_view body, const RequestLimits& limits) {
  const Json json = parse(body, limits);
  Fields fields(json, "");
  GatesRequest request;
  fields.need("text", request.text);
  read_models(fields, request.models);
  fields.done();
  return request;
}

CompleteRequest read_complete_request(std::string_view body, const RequestLimits& limits) {
  const Json json = parse(body, limits);
  Fields fields(json, "");
  CompleteRequest request;
  fields.need("text", request.text);
  read_models(fields, request.models);
  fields.get("top", request.top);
  fields.get("tokens", request.tokens);
  fields.get("temperature", request.sample.temperature);
  fields.get("top_p", request.sample.top_p);
  fields.get("top_k", request.sample.top_k);
  fields.get("seed", request.seed);
  fields.done();
  expect_at_most("top", request.top, 1, limits.top);
  expect_at_most("tokens", request.tokens, 0, limits.continuation_tokens);
  expect_between("temperature", request.sample.temperature, 0, 100);
  expect_between("top_p", request.sample.top_p, 1e-6, 1);
  return request;
}

ExplainRequest read_explain_request(std::string_view body, const RequestLimits& limits) {
  const Json json = parse(body, limits);
  Fields fields(json, "");
  ExplainRequest request;
  ExplainOptions& o = request.options;
  o.leave_one_out = false;
  o.horizon.reset();
  o.ablation.reset();
  o.microscope.reset();
  fields.need("text", request.text);
  read_models(fields, request.models);
  fields.get("top", o.top);
  fields.get("units", request.units);
  fields.get("at", o.at);
  fields.get("answer", o.answer);
  fields.get("leave_one_out", o.leave_one_out);
  if (const Json* value = fields.find("horizon"); value != nullptr && !value->is_null()) {
    Fields horizon(*value, "horizon");
    o.horizon.emplace();
    horizon.get("at", o.horizon->at);
    horizon.get("with", o.horizon->with);
    horizon.done();
  }
  if (const Json* value = fields.find("ablation"); value != nullptr && !value->is_null()) {
    o.ablation = read_ablation(*value);
  }
  if (const Json* value = fields.find("microscope"); value != nullptr && !value->is_null()) {
    o.microscope = read_microscope(*value, limits);
  }
  if (const Json* value = fields.find("changes"); value != nullptr && !value->is_null()) {
    o.changes = read_changes(*value, limits);
  }
  fields.done();
  expect_at_most("top", o.top, 1, limits.top);
  return request;
}

UnitsRequest read_units_request(std::string_view body, const RequestLimits& limits) {
  const Json json = parse(body, limits);
  Fields fields(json, "");
  UnitsRequest request;
  read_models(fields, request.models);
  fields.get("layer", request.layer);
  if (const Json* units = fields.find("units"); units != nullptr && !units->is_null()) {
    request.places = 5;
    read_units(fields, request.units.emplace(), limits);
  }
  fields.get("places", request.places);
  if (const Json* value = fields.find("like"); value != nullptr && !value->is_null()) {
    request.like = read_like(*value, limits);
  }
  fields.done();
  if (!request.units) expect_at_most("places without units", request.places, 0, 0);
  expect_at_most("places", request.places, 0, limits.places);
  return request;
}

namespace {

// Multiply-adds of one step of a model and of the logits after it, and how many numbers of it may be written out.
struct Costs {
  double step, logits, numbers;

  explicit Costs(const Model& model) {
    const Config& c = model.config();
    const auto vocabulary = static_cast<double>(model.vocabulary().size());
    const auto hidden = static_cast<double>(c.hidden);
    logits = vocabulary * hidden;
    const double embedding = vocabulary * static_cast<double>(c.embedding);
    step = static_cast<double>(model.parameter_count()) - embedding - (c.tied ? 0 : logits);
    numbers = static_cast<double>(c.layers * (model.cell().gates.size() + 3)) * hidden;
  }
};

// What other work is worth in multiply-adds: one of them where a gate is held, which is plain arithmetic in double; a
// number written as JSON; a logit compared with others.
constexpr double kHeld = 8, kWritten = 300, kCompared = 20;

}  // namespace

double work_of(const GatesRequest&, const Model& model, std::size_t tokens) {
  const Costs costs(model);
  return static_cast<double>(tokens) * (costs.step + kWritten * costs.numbers);
}

double work_of(const CompleteRequest& request, const Model& model, std::size_t tokens) {
  const Costs costs(model);
  const double logits = costs.logits + kCompared * static_cast<double>(model.vocabulary().size());
  return static_cast<double>(tokens + request.tokens) * (costs.step + logits);
}

double work_of(const ExplainRequest& request, const Model& model, std::size_t tokens) {
  const Costs costs(model);
  const ExplainOptions& o = request.options;
  const auto t = static_cast<double>(tokens);
  const double read = t * (costs.step + costs.logits + (request.units ? kWritten * costs.numbers : 0));
  double connect = 4 * t * costs.step;  // forward, and gradients, which cost twice that
  // Each word left out, and replaced by up to four others.
  if (o.leave_one_out) connect += (1 + std::clamp(400 / t, 1.0, 4.0)) * t * (t / 2 * costs.step + costs.logits);
  double all = read + connect + (o.horizon ? 2 * t * costs.step : 0);
  if (o.ablation) {
    const Config& c = model.config();
    all += std::min(static_cast<double>(c.layers * c.hidden) * t * costs.step, std::max(4e9, 8 * t * costs.step));
  }
  if (o.microscope) all += t * costs.step;
  if (!o.changes.empty()) all += read + (o.changes.clamp.empty() ? connect : kHeld * t * costs.step);
  return all;
}

}  // namespace sluice
