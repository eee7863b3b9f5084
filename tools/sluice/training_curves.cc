#include "training_curves.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "page.h"

namespace sluice::tool {
namespace {

constexpr std::size_t kMessages = 100;   // the last ones
constexpr std::size_t kGateRows = 6000;  // of all gates together, so that a page of very many stays small

double number(const Json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_number() ? found->get<double>() : std::nan("");
}

std::uint64_t whole(const Json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string text(const Json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

// These of a line that are there, and no others.
Json parts(const Json& line, std::initializer_list<const char*> names) {
  Json chosen = Json::object();
  for (const char* name : names) {
    const auto found = line.find(name);
    if (found != line.end() && found->is_primitive()) chosen[name] = *found;
  }
  return chosen;
}

// The rows that are to be told, column by column.
template <class Row>
class Columns {
 public:
  Columns(const Thinned<Row>& of, const RowsThere& there) : of_(of) {
    const bool same = there.stride == of.stride() && there.count <= of.rows().size();
    from_ = same && there.count > 0 ? there.count - 1 : 0;
    object_ = {{"stride", of.stride()}, {"from", from_}};
  }
  template <class F>
  void add(const char* name, F&& value) {
    Json& column = object_[name] = Json::array();
    for (std::size_t i = from_; i < of_.rows().size(); ++i) column.push_back(value(of_.rows()[i]));
  }
  void add(const char* name, Band Row::*band) {
    add(name, [&](const Row& row) { return (row.*band).mean(); });
    if (of_.stride() == 1) return;
    add((std::string(name) + "_low").c_str(), [&](const Row& row) { return (row.*band).low(); });
    add((std::string(name) + "_high").c_str(), [&](const Row& row) { return (row.*band).high(); });
  }
  void add_places() {
    add("first", [](const Row& row) { return row.first; });
    add("last", [](const Row& row) { return row.last; });
    add("epoch", [](const Row& row) { return row.epoch; });
  }
  Json take() { return std::move(object_); }

 private:
  const Thinned<Row>& of_;
  std::size_t from_ = 0;
  Json object_;
};

}  // namespace

void Band::add(double value) {
  if (!std::isfinite(value)) return;
  sum_ += value;
  low_ = std::min(low_, value);
  high_ = std::max(high_, value);
  ++count_;
}

void Band::merge(const Band& other) {
  sum_ += other.sum_;
  low_ = std::min(low_, other.low_);
  high_ = std::max(high_, other.high_);
  count_ += other.count_;
}

void TrainingCurves::Update::merge(const Update& next) {
  last = next.last;
  epoch = next.epoch;
  loss.merge(next.loss);
  norm.merge(next.norm);
  rate = next.rate;
  speed = next.speed;
}

void TrainingCurves::Validation::merge(const Validation& next) {
  last = next.last;
  epoch = next.epoch;
  loss.merge(next.loss);
  training.merge(next.training);
}

void TrainingCurves::Gates::merge(const Gates& next) {
  last = next.last;
  epoch = next.epoch;
  for (std::size_t g = 0; g < counts.size(); ++g) {
    for (std::size_t i = 0; i < kBins; ++i) counts[g][i] += next.counts[g][i];
  }
}

bool TrainingCurves::enter(const Json& line) {
  if (!line.is_object()) return false;
  const std::string kind = text(line, "kind");
  if (kind == "start") {
    begin(line);
  } else if (kind == "update") {
    return enter_update(line);
  } else if (kind == "validation") {
    return enter_validation(line);
  } else if (kind == "gates") {
    return enter_gates(line);
  } else if (kind == "ngram") {
    ngram_ = parts(line, {"order", "validation_loss"});
  } else if (kind == "done" || kind == "stopped") {
    end_ = parts(line, {"kind", "epoch", "update", "seconds", "validation_loss", "message"});
  } else if (kind == "warning" || kind == "recovery") {
    if (messages_.size() == kMessages) messages_.erase(messages_.begin());
    messages_.push_back(parts(line, {"kind", "epoch", "update", "message"}));
  } else {
    return kind == "checkpoint";
  }
  return true;
}

void TrainingCurves::begin(const Json& line) {
  if (const auto resumed = line.find("resumed"); resumed == line.end() || *resumed != Json(true)) *this = {};
  end_ = nullptr;
  start_ = parts(line, {"model", "cell", "layers", "parameters", "unit", "loss_unit", "validated", "epochs", "updates",
                        "clip_norm"});
}

bool TrainingCurves::enter_update(const Json& line) {
  const std::uint64_t update = whole(line, "update");
  if (update == 0) return false;
  // Training went on from a checkpoint, or back to where the weights were good.
  if (!updates_.rows().empty() && update <= updates_.rows().back().last) {
    updates_.back_to(update);
    validations_.back_to(update);
    gates_.back_to(update);
  }
  Update row = {
      update, update, whole(line, "epoch"), {}, {}, number(line, "learning_rate"), number(line, "tokens_per_second")};
  row.loss.add(number(line, "loss"));
  row.norm.add(number(line, "gradient_norm"));
  updates_.add(row);
  last_ = parts(line, {"epoch", "update", "tokens", "seconds", "tokens_per_second"});
  end_ = nullptr;
  return true;
}

bool TrainingCurves::enter_validation(const Json& line) {
  const double loss = number(line, "validation_loss");
  if (!std::isfinite(loss)) return false;
  const std::uint64_t update = whole(line, "update");
  Validation row = {update, update, whole(line, "epoch"), {}, {}};
  row.loss.add(loss);
  row.training.add(number(line, "loss"));
  validations_.add(row);
  // Logs of before there was "best" do not say which weights are kept; the first of the lowest losses then.
  const auto best = line.find("best");
  const bool is_best =
      best != line.end() ? *best == Json(true) : kept_.is_null() || loss < number(kept_, "validation_loss");
  if (is_best) kept_ = parts(line, {"epoch", "update", "validation_loss"});
  return true;
}

bool TrainingCurves::enter_gates(const Json& line) {
  const auto layers = line.find("layers");
  if (layers == line.end() || !layers->is_array()) return false;
  const std::uint64_t update = whole(line, "update");
  Gates row = {update, update, whole(line, "epoch"), {}};
  std::vector<Gate> names;
  for (const Json& layer : *layers) {
    const auto gates = layer.is_object() ? layer.find("gates") : layer.end();
    if (!layer.is_object() || gates == layer.end() || !gates->is_object()) return false;
    for (const auto& [name, counts] : gates->items()) {
      if (!counts.is_array() || counts.size() != kBins) return false;
      auto& bins = row.counts.emplace_back();
      for (std::size_t i = 0; i < kBins; ++i) {
        if (!counts[i].is_number_unsigned()) return false;
        bins[i] = counts[i].get<std::uint64_t>();
      }
      names.push_back({whole(layer, "layer"), name});
    }
  }
  if (names.empty()) return true;
  if (names != names_) gates_ = Thinned<Gates>(std::clamp<std::size_t>(kGateRows / names.size(), 8, 128));
  names_ = std::move(names);
  gates_.add(std::move(row));
  return true;
}

Json TrainingCurves::updates(const RowsThere& there) const {
  Columns<Update> columns(updates_, there);
  columns.add_places();
  columns.add("loss", &Update::loss);
  columns.add("gradient_norm", &Update::norm);
  columns.add("learning_rate", [](const Update& row) { return row.rate; });
  columns.add("tokens_per_second", [](const Update& row) { return row.speed; });
  return columns.take();
}

Json TrainingCurves::validations(const RowsThere& there) const {
  Columns<Validation> columns(validations_, there);
  columns.add_places();
  columns.add("validation_loss", &Validation::loss);
  columns.add("loss", &Validation::training);
  return columns.take();
}

Json TrainingCurves::gates(const RowsThere& there) const {
  Columns<Gates> columns(gates_, there);
  columns.add_places();
  columns.add("counts", [](const Gates& row) { return Json(row.counts); });
  Json object = columns.take();
  Json& gates = object["gates"] = Json::array();
  for (const Gate& gate : names_) gates.push_back({{"layer", gate.layer}, {"gate", gate.name}});
  return object;
}

Json TrainingCurves::json(const CurvesThere& there) const {
  return {{"start", start_},
          {"ngram", ngram_},
          {"last", last_},
          {"kept", kept_},
          {"end", end_},
          {"messages", messages_},
          {"updates", updates(there.updates)},
          {"validations", validations(there.validations)},
          {"gates", gates(there.gates)}};
}

std::string training_page(const Json& curves) {
  return page_with_data(curves.dump(-1, ' ', false, Json::error_handler_t::replace), "training.html");
}

}  // namespace sluice::tool
