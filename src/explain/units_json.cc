// UNITS and LIKE of docs/explain-json.md.
#include <algorithm>

#include "base/failure.h"
#include "base/json_writer.h"
#include "explain/facts.h"
#include "sluice/units.h"

namespace sluice {
namespace {

constexpr std::size_t kMostCorrelations = 12;

class Writer {
 public:
  explicit Writer(const UnitFinder& finder) : finder_(finder), corpus_(finder.corpus()) {}

  std::string units(const UnitsJson& options) {
    json_.begin_object().key("schema").integer(explain_schema).key("model");
    model(options.name);
    json_.key("corpus");
    corpus();
    json_.key("units").begin_array();
    for (const UnitFacts& facts : finder_.units()) {
      if (!options.units && facts.unit.layer == options.layer.value_or(facts.unit.layer)) unit(facts, options.places);
    }
    for (const Unit& one : options.units.value_or(std::vector<Unit>())) unit(finder_.facts(one), options.places);
    json_.end_array().end_object();
    return json_.take();
  }

  std::string like(const UnitCorpus& text, const Like& like) {
    const LikeQuestion& question = like.question;
    json_.begin_object().key("first").integer(question.first).key("last").integer(question.last);
    json_.key("words").begin_array();
    for (std::size_t p = question.first; p <= question.last; ++p) json_.string(text.written(p));
    json_.end_array().key("threshold").number(like.threshold).key("units").begin_array();
    for (const LikeUnit& one : like.units) {
      json_.begin_object();
      place_of(one.unit);
      json_.key("on").string(one.below ? "below" : "above").end_object();
    }
    json_.end_array().key("places").begin_array();
    for (const LikePlace& place : like.places) {
      const auto [begin, end] = around(finder_, place.first, place.last);
      json_.begin_object().key("first").integer(place.first).key("last").integer(place.last);
      json_.key("shared").begin_array();
      for (const std::size_t unit : place.shared) json_.integer(unit);
      json_.end_array();
      words(begin, end);
      json_.end_object();
    }
    json_.end_array().end_object();
    return json_.take();
  }

 private:
  void model(const std::string& name) {
    const Model& m = finder_.model();
    json_.begin_object().key("name").string(name).key("level").string(sluice::name(m.vocabulary().text().level));
    json_.key("unit").string(unit_name(m)).key("layers").begin_array();
    for (const UnitLayer& layer : finder_.layers()) {
      json_.begin_object().key("name").string(layer.name).key("cell").string(layer.cell);
      json_.key("units").integer(layer.units).end_object();
    }
    json_.end_array().end_object();
  }

  void corpus() {
    // Where it lies is nobody's business: the server says this to whoever asks.
    const std::string name = corpus_.name.substr(corpus_.name.rfind('/') + 1);
    json_.begin_object().key("name").string(name).key("places").integer(corpus_.size());
    json_.key("sequences").integer(corpus_.apart ? corpus_.sequences.size() : 1);
    json_.key("state").string(finder_.state() == 0 ? "h" : "c").key("bytes").integer(finder_.memory());
    json_.key("features").begin_array();
    for (const UnitFeature& feature : finder_.features()) {
      json_.begin_object().key("name").string(feature.name).key("meaning").string(feature.meaning).end_object();
    }
    json_.end_array().end_object();
  }

  void place_of(const Unit& unit) { json_.key("layer").integer(unit.layer).key("unit").integer(unit.unit); }

  void words(std::size_t begin, std::size_t end) {
    json_.key("begin").integer(begin).key("words").begin_array();
    for (std::size_t p = begin; p < end; ++p) json_.string(corpus_.written(p));
    json_.end_array();
  }

  void unit(const UnitFacts& facts, std::size_t count) {
    json_.begin_object();
    place_of(facts.unit);
    json_.key("mean").number(facts.mean).key("deviation").number(facts.deviation);
    json_.key("least").number(facts.least).key("greatest").number(facts.greatest);
    json_.key("correlations").begin_array();
    for (std::size_t i = 0; i < std::min(kMostCorrelations, facts.correlations.size()); ++i) {
      const Correlation& one = facts.correlations[i];
      json_.begin_object().key("with").string(finder_.features()[one.feature].name);
      json_.key("r").number(one.r).end_object();
    }
    json_.end_array();
    if (count > 0) {
      places("highest", facts.unit, false, count);
      places("lowest", facts.unit, true, count);
    }
    json_.end_object();
  }

  void places(std::string_view key, const Unit& unit, bool lowest, std::size_t count) {
    json_.key(key).begin_array();
    for (const UnitPlace& place : finder_.extremes(unit, lowest, count)) {
      const auto [begin, end] = around(finder_, place.at, place.at);
      json_.begin_object().key("at").integer(place.at).key("value").rounded(static_cast<float>(place.value));
      words(begin, end);
      json_.key("values").begin_array();
      for (const double value : finder_.values(unit, begin, end - 1)) json_.rounded(static_cast<float>(value));
      json_.end_array().end_object();
    }
    json_.end_array();
  }

  const UnitFinder& finder_;
  const UnitCorpus& corpus_;
  JsonWriter json_;
};

}  // namespace

std::pair<std::size_t, std::size_t> around(const UnitFinder& finder, std::size_t first, std::size_t last) try {
  const bool characters = finder.model().vocabulary().text().level == Level::character;
  const std::size_t before = characters ? 60 : 16, behind = characters ? 30 : 8;
  const auto [begin, end] = finder.corpus().sequence_of(first);
  return {first - std::min(first - begin, before), std::min(end, last + 1 + behind)};
} catch (...) {
  rethrow_as_error("around");
}

std::string to_json(const UnitFinder& finder, const UnitsJson& options) try {
  return Writer(finder).units(options);
} catch (...) {
  rethrow_as_error("to_json");
}

std::string to_json(const UnitFinder& finder, const UnitCorpus& text, const Like& like) try {
  return Writer(finder).like(text, like);
} catch (...) {
  rethrow_as_error("to_json");
}

}  // namespace sluice
