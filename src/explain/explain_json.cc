// An explanation as JSON: docs/explain-json.md says what stands where.
#include <algorithm>

#include "base/failure.h"
#include "base/json_writer.h"
#include "explain/facts.h"
#include "sluice/explain.h"

namespace sluice {
namespace {

constexpr std::size_t kMostEffects = 32;  // units listed of an ablation

class Writer {
 public:
  Writer(const Model& model, const ExplainJson& options) : model_(model), options_(options) {}

  std::string write(const Explanation& e) {
    json_.begin_object().key("schema").integer(explain_schema);
    json_.key("model").raw(facts_json(model_, options_.name));
    json_.key("text").string(e.text);
    json_.key("begins_after");
    if (e.begins_after.empty()) {
      json_.null();
    } else {
      json_.string(text_before(model_, e.begins_after));
    }
    json_.key("reading");
    reading(e.reading);
    json_.key("connectivity");
    connectivity(e.connectivity);
    json_.key("horizon");
    if (e.horizon) {
      horizon(*e.horizon);
    } else {
      json_.null();
    }
    if (e.usable) {
      json_.key("usable");
      usable(*e.usable);
    }
    if (e.ablation) {
      json_.key("ablation");
      ablation(*e.ablation);
    }
    if (e.microscope) {
      json_.key("microscope");
      microscope(*e.microscope);
    }
    if (e.changed) {
      json_.key("changes");
      changes(e.changes);
      json_.key("changed");
      changed(*e.changed);
    }
    json_.end_object();
    return json_.take();
  }

 private:
  const std::string& token(Token id) const { return model_.vocabulary().token(id); }

  void numbers(std::string_view key, const std::vector<double>& values) {
    json_.key(key).begin_array();
    for (const double value : values) json_.number(value);
    json_.end_array();
  }

  // Arrays of numbers.
  template <class List>
  void lists(std::string_view key, const std::vector<List>& all) {
    json_.key(key).begin_array();
    for (const List& list : all) {
      json_.begin_array();
      for (const double value : list) json_.number(value);
      json_.end_array();
    }
    json_.end_array();
  }

  void values(const std::vector<float>& all, std::size_t hidden) {
    if (!options_.units) return;
    json_.key("values").begin_array();
    for (std::size_t start = 0; start < all.size(); start += hidden) {
      json_.begin_array();
      for (std::size_t u = 0; u < hidden; ++u) json_.rounded(all[start + u]);
      json_.end_array();
    }
    json_.end_array();
  }

  void choice(const Choice& c) {
    json_.begin_object().key("token").string(token(c.token));
    json_.key("probability").number(static_cast<double>(c.probability)).end_object();
  }

  void track(std::string_view key, const SizeSummary& summary, const std::vector<float>& all, std::size_t hidden) {
    json_.key(key);
    if (all.empty()) {
      json_.null();
      return;
    }
    json_.begin_object();
    numbers("words", summary.words);
    numbers("units", summary.units);
    values(all, hidden);
    json_.end_object();
  }

  void layer(const LayerTrace& trace, const LayerSummary& summary, std::size_t hidden) {
    json_.begin_object().key("gates").begin_object();
    for (std::size_t g = 0; g < trace.gates.size(); ++g) {
      const GateSummary& gate = summary.gates[g];
      json_.key(model_.cell().gates[g].name).begin_object();
      numbers("words", gate.words);
      numbers("units", gate.units);
      numbers("low", gate.low);
      numbers("high", gate.high);
      lists("quantiles", gate.quantiles);
      json_.key("share_low").number(gate.share_low).key("share_high").number(gate.share_high);
      values(trace.gates[g], hidden);
      json_.end_object();
    }
    json_.end_object();
    track("candidate", summary.candidate, trace.candidate, hidden);
    track("hidden", summary.hidden, trace.hidden, hidden);
    track("memory", summary.memory, trace.memory, hidden);
    if (summary.half_life.empty()) {
      json_.key("half_life").null();
    } else {
      numbers("half_life", summary.half_life);
    }
    if (!summary.half_life_quartiles.empty()) lists("half_life_quartiles", summary.half_life_quartiles);
    json_.end_object();
  }

  void reading(const Reading& r) {
    json_.begin_object().key("words").begin_array();
    for (const Word& word : r.words) {
      json_.begin_object().key("text").string(word.text).key("token").string(token(word.token));
      json_.key("known").boolean(word.token != Vocabulary::unknown).end_object();
    }
    json_.end_array();
    numbers("surprise", r.surprise);
    json_.key("candidates").begin_array();
    for (const std::vector<Choice>& after : r.candidates) {
      json_.begin_array();
      for (const Choice& c : after) choice(c);
      json_.end_array();
    }
    json_.end_array().key("layers").begin_array();
    for (std::size_t l = 0; l < r.layers.size(); ++l) layer(r.trace.layers[l], r.layers[l], r.trace.hidden);
    json_.end_array().end_object();
  }

  void connectivity(const Connectivity& c) {
    json_.begin_object().key("at").integer(c.at).key("answer").string(token(c.answer));
    json_.key("probability").number(c.probability);
    numbers("gradient", c.gradient);
    numbers("signed", c.along);
    if (c.leave_one_out.empty()) {
      json_.key("leave_one_out").null().key("without").null();
    } else {
      numbers("leave_one_out", c.leave_one_out);
      json_.key("without").begin_array();
      for (const Choice& without : c.without) choice(without);
      json_.end_array();
      numbers("replaced", c.replaced);
      json_.key("replaced_from").string(c.from_corpus ? "corpus" : "model");
      json_.key("replacements").begin_array();
      for (const std::vector<Token>& words : c.replacements) {
        json_.begin_array();
        for (const Token word : words) json_.string(token(word));
        json_.end_array();
      }
      json_.end_array();
    }
    json_.end_object();
  }

  void horizon(const Horizon& h) {
    json_.begin_object().key("at").integer(h.at).key("with").string(token(h.with)).key("layers").begin_array();
    for (const HorizonLayer& layer : h.layers) {
      json_.begin_object();
      numbers("hidden", layer.hidden);
      if (layer.memory.empty()) {
        json_.key("memory").null();
      } else {
        numbers("memory", layer.memory);
      }
      json_.key("words").integer(layer.words).end_object();
    }
    json_.end_array().end_object();
  }

  void usable(const Usable& u) {
    json_.begin_object().key("at").integer(u.at).key("answer").string(token(u.answer));
    json_.key("question").integer(u.question).key("others").begin_array();
    for (const Token other : u.others) json_.string(token(other));
    json_.end_array().key("distances").begin_array();
    for (const std::size_t distance : u.distances) json_.integer(distance);
    json_.end_array();
    numbers("probability", u.probability);
    numbers("with_another", u.with_another);
    json_.key("words").integer(u.words).end_object();
  }

  void place(const Unit& unit) { json_.key("layer").integer(unit.layer).key("unit").integer(unit.unit); }

  void ablation(const Ablation& a) {
    json_.begin_object().key("from").integer(a.from).key("held_at").string(a.zero ? "zero" : "mean");
    json_.key("tried").integer(a.units.size()).key("units").begin_array();
    for (std::size_t i = 0; i < std::min(a.units.size(), kMostEffects); ++i) {
      json_.begin_object();
      place(a.units[i].unit);
      json_.key("nats").number(a.units[i].nats).key("instead");
      choice(a.units[i].instead);
      json_.end_object();
    }
    json_.end_array().end_object();
  }

  void names(std::string_view key, const std::vector<std::string>& all) {
    json_.key(key).begin_array();
    for (const std::string& name : all) json_.string(name);
    json_.end_array();
  }

  // Rows of `width` numbers.
  void rows(std::string_view key, const std::vector<double>& all, std::size_t width) {
    json_.key(key).begin_array();
    for (std::size_t start = 0; start < all.size(); start += width) {
      json_.begin_array();
      for (std::size_t i = 0; i < width; ++i) json_.number(all[start + i]);
      json_.end_array();
    }
    json_.end_array();
  }

  void microscope(const Microscope& m) {
    json_.begin_object();
    names("products", m.products);
    names("biases", m.biases);
    json_.key("units").begin_array();
    for (const UnitParts& unit : m.units) {
      json_.begin_object();
      place(unit.unit);
      rows("products", unit.products, m.products.size());
      numbers("biases", unit.biases);
      numbers("before", unit.before);
      rows("states", unit.states, model_.cell().states.size());
      json_.end_object();
    }
    json_.end_array().end_object();
  }

  void changes(const Changes& c) {
    json_.begin_object().key("replace").begin_array();
    for (const Replacement& r : c.replace) {
      json_.begin_object().key("at").integer(r.at).key("with").string(r.with).end_object();
    }
    json_.end_array().key("delete").begin_array();
    for (const std::size_t at : c.remove) json_.integer(at);
    json_.end_array().key("clamp").begin_array();
    for (const Clamp& clamp : c.clamp) {
      json_.begin_object();
      if (clamp.layer) json_.key("layer").integer(*clamp.layer);
      json_.key("gate").string(clamp.gate);
      if (!clamp.units.empty()) {
        json_.key("units").begin_array();
        for (const std::size_t unit : clamp.units) json_.integer(unit);
        json_.end_array();
      }
      json_.key("first").integer(clamp.first);
      if (clamp.last) json_.key("last").integer(*clamp.last);
      json_.key("value").number(clamp.value).end_object();
    }
    json_.end_array().end_object();
  }

  void changed(const Changed& c) {
    json_.begin_object().key("reading");
    reading(c.reading);
    json_.key("from").begin_array();
    for (const std::optional<std::size_t>& from : c.from) {
      if (from) {
        json_.integer(*from);
      } else {
        json_.null();
      }
    }
    json_.end_array().key("connectivity");
    if (c.connectivity) {
      connectivity(*c.connectivity);
    } else {
      json_.null();
    }
    json_.key("horizon").null().end_object();
  }

  const Model& model_;
  const ExplainJson& options_;
  JsonWriter json_;
};

}  // namespace

std::string facts_json(const Model& model, const std::string& name) {
  const CellInfo& cell = find_cell(model.config().cell, model.config().activation);
  JsonWriter json;
  json.begin_object().key("name").string(name);
  json.key("cell").string(cell.name).key("title").string(cell.title).key("source").string(cell.source);
  json.key("equations").begin_array();
  for (const std::string_view equation : cell.equations) json.string(equation);
  json.end_array().key("states").begin_array();
  for (const std::string_view state : cell.states) json.string(state);
  json.end_array().key("gates").begin_array();
  for (const GateInfo& gate : cell.gates) {
    json.begin_object().key("name").string(gate.name).key("meaning").string(gate.meaning).end_object();
  }
  json.end_array().key("keeps");
  if (const auto kept = keeping_gate(cell)) {
    json.string(cell.gates[*kept].name);
  } else {
    json.null();
  }
  json.key("layers").integer(model.config().layers).key("hidden").integer(model.config().hidden);
  json.key("embedding").integer(model.config().embedding).key("parameters").integer(model.parameter_count());
  json.key("vocabulary").integer(model.vocabulary().size());
  json.key("level").string(sluice::name(model.vocabulary().text().level)).end_object();
  return json.take();
}

std::string_view unit_name(const Model& model) {
  return model.vocabulary().text().level == Level::character ? "character" : "word";
}

std::vector<Token> tokens_before(const Model& model, std::span<const Token> tokens) {
  std::vector<Token> begin = model.begin_tokens();
  const bool there = tokens.size() >= begin.size() && std::equal(begin.begin(), begin.end(), tokens.begin());
  return there ? std::vector<Token>() : begin;
}

std::string text_before(const Model& model, std::span<const Token> tokens) {
  return tokens.size() == 1 ? std::string(model.vocabulary().token(tokens[0])) : model.vocabulary().decode(tokens);
}

std::string to_json(const Model& model, const Explanation& explanation, const ExplainJson& options) try {
  return Writer(model, options).write(explanation);
} catch (...) {
  rethrow_as_error("to_json");
}

}  // namespace sluice
