// Models: files, what is in them, completions, other systems' formats.
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>

#include "arrays.h"
#include "base/file.h"
#include "complete_text.h"
#include "fields.h"
#include "formats/model_tensors.h"
#include "model/config.h"
#include "model/model_access.h"
#include "running.h"
#include "sluice/formats.h"
#include "sluice/import.h"
#include "subjects.h"

namespace sluice::python {
namespace {

nb::bytes bytes_of(std::span<const std::byte> bytes) { return nb::bytes(bytes.data(), bytes.size()); }

Model from_bytes(const nb::bytes& bytes, const std::string& name) {
  const auto* data = static_cast<const std::byte*>(bytes.data());
  nb::gil_scoped_release release;
  return load(std::span(data, bytes.size()), name);
}

Model with_precision(const Model& model, nb::handle name) {
  Precision precision{};
  read(name, "precision", precision);
  Model copy = model;
  nb::gil_scoped_release release;
  copy.set_precision(precision);
  return copy;
}

Model with_notes(const Model& model, const std::map<std::string, std::string>& notes) {
  Model copy = model;
  copy.notes() = notes;
  return copy;
}

// Fresh weights.
Model make_model(const nb::dict& network, std::uint64_t seed, const std::optional<Vocabulary>& vocabulary) {
  Config config;
  apply_network(network, config);
  config = checked(config);
  Signals signals;
  return interruptible(signals, [&] { return vocabulary ? Model(config, *vocabulary, seed) : Model(config, seed); });
}

nb::tuple complete(const Model& model, const std::string& prompt, const nb::dict& options) {
  tool::CompletionOptions o;
  Signals signals;
  apply(options, "n", o.tokens);
  apply(options, "top", o.top);
  apply(options, "temperature", o.sample.temperature);
  apply(options, "top-p", o.sample.top_p);
  apply(options, "top-k", o.sample.top_k);
  apply(options, "seed", o.seed);
  apply(options, "stop", o.stop);
  o.go_on = [&] { return signals.go_on(); };
  if (!(o.sample.top_p > 0)) refuse_field("top_p", "more than 0 and at most 1", field_text(o.sample.top_p));
  for (const std::string& stop : o.stop) {
    if (stop.empty()) refuse_field("stop", "tokens or texts", "''");
  }
  const tool::Completion done = without_lock(signals, [&] { return tool::complete(model, prompt, o); });
  nb::list candidates;
  for (const auto& [token, probability] : done.candidates) {
    candidates.append(nb::make_tuple(token, static_cast<double>(probability)));
  }
  return nb::make_tuple(done.continuation, candidates, done.unknown);
}

nb::object score(const Model& model, const std::string& text) {
  const std::vector<Token> tokens = model.vocabulary().encode(text);
  Signals signals;
  return to_array(interruptible(signals, [&] { return model.score(tokens); }).nats);
}

// The weights by their names in the file.
nb::dict weights(const Model& model) {
  std::vector<Tensor> tensors;
  {
    nb::gil_scoped_release release;
    tensors = to_tensors(network_of(model));
  }
  nb::dict all;
  for (const Tensor& tensor : tensors) {
    float* data = nullptr;
    const std::vector<std::size_t> shape(tensor.shape.begin(), tensor.shape.end());
    all[tensor.name.c_str()] = new_floats(shape, data);
    std::memcpy(data, tensor.bytes.data(), tensor.bytes.size());
  }
  return all;
}

Model import_of(const std::string& path, const nb::dict& options) {
  ImportOptions o;
  apply(options, "parts", o.parts);
  apply(options, "unused", o.unused);
  apply(options, "layout", o.layout);
  apply(options, "reset", o.reset);
  apply(options, "convention", o.convention);
  apply(options, "constants", o.constants);
  apply(options, "silence", o.silence);
  apply(options, "check", o.check);
  apply(options, "tolerance", o.tolerance);
  nb::gil_scoped_release release;
  return import_model(path, o);
}

Vocabulary make_vocabulary(const std::vector<std::string>& tokens, const std::string& level, bool lowercase,
                           bool lossy) {
  return {{find_level(level), lowercase, lossy}, tokens};
}

}  // namespace

void bind_model(nb::module_& m) {
  using namespace nb::literals;
  using Lock = nb::call_guard<nb::gil_scoped_release>;

  nb::class_<Vocabulary>(m, "Vocabulary", "The tokens that a model knows.")
      .def(
          "__init__",
          [](Vocabulary* self, const std::vector<std::string>& tokens, const std::string& level, bool lowercase,
             bool lossy) { new (self) Vocabulary(make_vocabulary(tokens, level, lowercase, lossy)); },
          "tokens"_a, "level"_a = "word", "lowercase"_a = false, "lossy"_a = false)
      .def("__len__", &Vocabulary::size)
      .def_prop_ro("tokens", [](const Vocabulary& v) { return v.tokens(); })
      .def_prop_ro("level", [](const Vocabulary& v) { return std::string(name(v.text().level)); })
      .def_prop_ro("lowercase", [](const Vocabulary& v) { return v.text().lowercase; })
      .def(
          "encode", [](const Vocabulary& v, const std::string& text) { return v.encode(text); }, "text"_a)
      .def(
          "decode",
          [](const Vocabulary& v, const std::vector<Token>& tokens) {
            for (const Token token : tokens) {
              if (token >= v.size())
                refuse_field("tokens", "numbers below " + std::to_string(v.size()), std::to_string(token));
            }
            return v.decode(tokens);
          },
          "tokens"_a);

  nb::class_<Model>(m, "Model", "A network with its vocabulary and notes; copies share the weights.")
      .def_static(
          "load", [](const std::string& path) { return load(path); }, "path"_a, Lock())
      .def_static("from_bytes", from_bytes, "bytes"_a, "name"_a = "model")
      .def("to_bytes",
           [](const Model& model) {
             std::vector<std::byte> bytes;
             {
               nb::gil_scoped_release release;
               bytes = to_bytes(model);
             }
             return bytes_of(bytes);
           })
      .def(
          "save", [](const Model& model, const std::string& path, bool force) { save(model, path, {force}); }, "path"_a,
          "force"_a = false, Lock())
      .def(
          "export",
          [](const Model& model, const std::string& system, const std::string& path, bool force) {
            export_model(model, system, path, {force});
          },
          "system"_a, "path"_a, "force"_a = false, Lock())
      .def_prop_ro("config", [](const Model& model) { return to_dict(model.config()); })
      .def_prop_ro("cell", [](const Model& model) { return std::string(model.cell().name); })
      .def_prop_ro("reads_text", &Model::reads_text)
      .def_prop_ro("inputs", [](const Model& model) { return model.config().inputs; })
      .def_prop_ro("outputs", &Model::outputs)
      .def_prop_ro("streams", &Model::streams)
      .def_prop_ro("parameter_count", &Model::parameter_count)
      .def_prop_ro("vocabulary", [](const Model& model) { return model.vocabulary(); })
      .def_prop_ro("notes", [](const Model& model) { return model.notes(); })
      .def_prop_ro("precision", [](const Model& model) { return field_text(model.precision()); })
      .def_prop_ro("fingerprint", &Model::fingerprint)
      .def("with_precision", with_precision, "precision"_a)
      .def("with_notes", with_notes, "notes"_a)
      .def("weights", weights)
      .def("complete", complete, "prompt"_a, "options"_a)
      .def("score", score, "text"_a);

  m.def("make_model", make_model, "network"_a, "seed"_a, "vocabulary"_a.none() = nb::none());
  m.def("import_model", import_of, "path"_a, "options"_a);
  m.def(
      "write_file", [](const std::string& path, const std::string& text, bool force) { write_file(path, text, force); },
      "path"_a, "text"_a, "force"_a = false, Lock());
}

}  // namespace sluice::python
