// What commit f39ebe3 wrote and computed, with the public interface alone: tests/goldens/compatibility was made by this
// same file compiled against that commit (see compatibility_test.cc).
//
// A line of a report is a name and the FNV-1a hash of bits. Processors whose vectors have fused multiply-adds give the
// bits of expected-fma.txt, others those of expected-plain.txt.
#pragma once

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "sluice/sluice.h"

namespace sluice::compatibility {

struct Kind {
  std::string name;
  Config config;
};

inline std::vector<Kind> kinds() {
  std::vector<Kind> all;
  for (const std::string cell : {"rnn", "lstm", "gru", "gru-reset-after"}) {
    all.push_back({cell + "-text", {.cell = cell, .layers = 2, .hidden = 19, .embedding = 7}});
    all.push_back({cell + "-tied",
                   {.cell = cell,
                    .hidden = 16,
                    .tied = true,
                    .dropout = 0.2,
                    .input_dropout = 0.1,
                    .weight_dropout = 0.3,
                    .activation = cell == "rnn" ? "relu" : "tanh"}});
    all.push_back({cell + "-numbers", {.cell = cell, .layers = 2, .hidden = 9, .inputs = 3, .outputs = 2}});
  }
  return all;
}

inline bool reads_text(const Kind& kind) { return kind.config.inputs == 0; }

// Numbers that look like chance and are the same everywhere.
class Chance {
 public:
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33);
  }
  float number() { return static_cast<float>(next() % 2001) / 1000.f - 1.f; }

 private:
  std::uint64_t state_ = 42;
};

inline Vocabulary vocabulary() {
  return Vocabulary({.level = Level::character}, {"<unk>", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
}

inline std::vector<Token> some_tokens(std::size_t count) {
  Chance chance;
  std::vector<Token> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = i < 3 || chance.next() % 5 == 0 ? chance.next() % 11 : tokens[i - 3] % 10 + 1;
  return tokens;
}

inline std::vector<float> some_numbers(std::size_t count) {
  Chance chance;
  std::vector<float> numbers(count);
  for (float& x : numbers) x = chance.number();
  return numbers;
}

// y(t) = 0.6 x0(t - 1) - 0.3 x2(t), and x1(t) / 2: something to learn, so that the weights before the first update are
// not the best.
inline std::vector<float> targets_of(const std::vector<float>& x) {
  std::vector<float> y;
  for (std::size_t t = 0; t < x.size() / 3; ++t) {
    y.push_back((t > 0 ? 0.6f * x[(t - 1) * 3] : 0.f) - 0.3f * x[t * 3 + 2]);
    y.push_back(x[t * 3 + 1] / 2);
  }
  return y;
}

inline Model fresh(const Kind& kind) {
  return reads_text(kind) ? Model(kind.config, vocabulary(), 7) : Model(kind.config, 7);
}

inline TrainOptions options(Precision precision) {
  TrainOptions options;
  options.epochs = 2;
  options.batch = 4;
  options.steps = 9;
  options.learning_rate = 0.02;
  options.precision = precision;
  options.threads = 2;
  return options;
}

inline void train_some(Model& model, const TrainOptions& how) {
  if (model.reads_text()) {
    train(model, Corpus::from_tokens(some_tokens(700), vocabulary()), how);
  } else {
    train(model, Series(some_numbers(500 * 3), 3, targets_of(some_numbers(500 * 3)), 2), how);
  }
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <class Bytes>
std::string hash(const Bytes& bytes) {
  std::uint64_t h = 0xcbf29ce484222325u;
  const char* data = reinterpret_cast<const char*>(bytes.data());
  for (std::size_t i = 0; i < bytes.size() * sizeof(*bytes.data()); ++i) {
    h = (h ^ static_cast<unsigned char>(data[i])) * 0x100000001b3u;
  }
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
  return text;
}

// The weights of a model as its file holds them: what follows the header.
inline std::string weights(const Model& model, const std::filesystem::path& scratch) {
  const std::filesystem::path path = scratch / "weights.safetensors";
  save(model, path.string(), {.force = true});
  const std::string file = slurp(path);
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  return file.substr(sizeof header + header);
}

// What a stream predicts over 40 steps, every way there is to feed it and every precision.
inline std::string predictions(const Model& model, Stream& stream) {
  std::vector<float> all;
  if (model.reads_text()) {
    for (const Token token : some_tokens(40)) {
      stream.step(token);
      all.insert(all.end(), stream.probabilities().begin(), stream.probabilities().end());
    }
  } else {
    const std::vector<float> x = some_numbers(40 * model.config().inputs);
    all.resize(40 * model.config().outputs);
    stream.feed(x, all);
  }
  return hash(all);
}

inline std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

// Writes what a later commit must still read: of each kind a trained model, the state of a stream, and a checkpoint of
// a training that was stopped after its first epoch.
inline void write_files(const std::filesystem::path& folder) {
  for (const Kind& kind : kinds()) {
    Model model = fresh(kind);
    train_some(model, options(Precision::f32));
    save(model, (folder / (kind.name + ".safetensors")).string(), {.force = true});
    Stream stream(model);
    predictions(model, stream);
    const std::vector<std::byte> state = stream.state().to_bytes();
    std::ofstream(folder / (kind.name + ".state"), std::ios::binary)
        .write(reinterpret_cast<const char*>(state.data()), static_cast<std::streamsize>(state.size()));
    if (kind.config.layers > 1) continue;
    TrainOptions how = options(Precision::f32);
    how.checkpoint = (folder / (kind.name + ".checkpoint")).string();
    Model stopped = fresh(kind);
    train(stopped, Corpus::from_tokens(some_tokens(700), vocabulary()), how,
          [](const Report& report) { return report.kind != Report::Kind::validation; });
  }
}

inline std::vector<std::string> report(const std::filesystem::path& folder, const std::filesystem::path& scratch) {
  std::vector<std::string> lines;
  for (const Kind& kind : kinds()) {
    const auto line = [&](const std::string& what, const std::string& value) {
      lines.push_back(kind.name + " " + what + " " + value);
    };
    line("initial", hash(weights(fresh(kind), scratch)));
    for (const Precision precision : {Precision::f32, Precision::bf16}) {
      Model model = fresh(kind);
      train_some(model, options(precision));
      line(precision == Precision::f32 ? "trained" : "trained-bf16", hash(weights(model, scratch)));
    }
    Model model = load((folder / (kind.name + ".safetensors")).string());
    line("file", hash(weights(model, scratch)));
    for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8}) {
      model.set_precision(precision);
      Stream stream(model);
      stream.set_state(State::from_bytes(bytes_of(slurp(folder / (kind.name + ".state")))));
      const char* names[] = {"predicts", "predicts-bf16", "predicts-int8"};
      line(names[static_cast<int>(precision)], predictions(model, stream));
      line(std::string(names[static_cast<int>(precision)]) + "-state", hash(stream.state().values()));
    }
    if (kind.config.layers > 1) continue;
    // Training goes on in a copy, since it replaces the checkpoint.
    const std::filesystem::path copy = scratch / (kind.name + ".checkpoint");
    std::filesystem::copy_file(folder / copy.filename(), copy, std::filesystem::copy_options::overwrite_existing);
    TrainOptions how = options(Precision::f32);
    how.checkpoint = copy.string();
    how.resume = true;
    Model resumed = fresh(kind);
    train_some(resumed, how);
    line("resumed", hash(weights(resumed, scratch)));
  }
  return lines;
}

}  // namespace sluice::compatibility
