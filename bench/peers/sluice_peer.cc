// Our side of the comparison: reads requests as lines of JSON, does the work that bench/measure does, answers in lines.
// bench/peers/peer.py says what the requests are.
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "bench/measure/ceilings.h"
#include "bench/measure/samples.h"
#include "bench/measure/work.h"
#include "kernels/kernels.h"
#include "model/layer_runner.h"

namespace {

using Json = nlohmann::json;
using namespace sluice;

template <class T>
void read(const std::string& path, std::span<T> values) {
  std::ifstream file(path, std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(values.size_bytes());
  if (!file.read(reinterpret_cast<char*>(values.data()), bytes) || file.peek() != EOF) {
    throw Error(Status::bad_file, path + ": expected " + std::to_string(bytes) + " bytes");
  }
}

void write(const std::string& path, std::span<const float> values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  if (!file) throw Error(Status::failed, path + ": cannot be written");
}

// The file of a tensor: of a layer by itself, "weight_ih" for "rnn.weight_ih_l0".
std::string file_of(const std::string& tensor, bool alone) {
  constexpr std::string_view prefix = "rnn.", suffix = "_l0";
  return alone ? tensor.substr(prefix.size(), tensor.size() - prefix.size() - suffix.size()) : tensor;
}

void read_all(const std::string& from, Parameters& parameters, bool alone = false) {
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    read(from + file_of(parameters.shapes()[i].name, alone), parameters[i]);
  }
}

void write_all(const std::string& to, const Parameters& gradients, bool alone = false) {
  for (std::size_t i = 0; i < gradients.shapes().size(); ++i) {
    write(to + "d" + file_of(gradients.shapes()[i].name, alone), gradients[i]);
  }
}

struct Peer {
  std::function<void()> run;
  std::unique_ptr<bench::Ceilings> ceilings;
  std::size_t threads = 0;

  Json prepare(const Json& request);
  void prepare_layer(const Json& request);
  void prepare_model(const Json& request);
  void prepare_stack(const Json& request);
};

void Peer::prepare_layer(const Json& request) {
  const std::string work_name = request.at("work"), data = request.at("data"), out = request.at("out");
  const auto work = std::make_shared<bench::LayerWork>(bench::LayerSize{request.at("cell"), request.at("inputs"),
                                                                        request.at("hidden"), request.at("batch"),
                                                                        request.at("steps"), request.at("threads")});
  read_all(data, work->layer.parameters(), true);
  work->layer.pack(work->team);
  read<float>(data + "x", work->x);
  read<float>(data + "dy", work->dy);
  read<float>(data + "state", work->start.values());
  if (work_name == "training") {
    work->train();
    write_all(out, work->gradients, true);
    write(out + "dx", work->dx);
    run = [work] { work->train(); };
  } else if (work_name == "inference") {
    work->infer();
    run = [work] { work->infer(); };
  } else {
    work->state = work->start;
    for (std::size_t t = 0; t < work->size.steps; ++t) {
      work->step();
      std::ranges::copy(work->state.of(0, 0), work->y.begin() + static_cast<std::ptrdiff_t>(t * work->size.hidden));
    }
    run = [work] { work->step(); };
  }
  write(out + "y", work->y);
}

void Peer::prepare_model(const Json& request) {
  const std::string data = request.at("data"), out = request.at("out");
  const auto work = std::make_shared<bench::ModelWork>(
      bench::ModelSize{request.at("cell"), request.at("vocabulary"), request.at("inputs"), request.at("hidden"),
                       request.at("batch"), request.at("steps"), request.at("threads")});
  read_all(data, work->network.parameters());
  work->network.pack(work->team);
  read<Token>(data + "tokens", work->inputs);
  read<Token>(data + "targets", work->targets);
  std::vector<float> losses;
  for (int i = 0; i < 3; ++i) {
    work->train();
    losses.push_back(static_cast<float>(work->loss));
    if (i == 0) write_all(out, work->gradients);
  }
  write(out + "losses", losses);
  run = [work] { work->train(); };
}

// Two bidirectional layers on packed sequences: forward, or forward and backward.
struct StackWork {
  LayerRunner lower, upper;
  Team team;
  std::vector<std::uint32_t> lengths;
  State below, above;
  std::vector<float> x, between, y, dy, dbetween, dx;
  Parameters lower_gradients, upper_gradients;

  StackWork(const LayerConfig& config, const Json& request)
      : lower(config, request.at("inputs")),
        upper(config, 2 * config.units),
        team(request.at("threads").get<std::size_t>()),
        lengths(request.at("lengths").get<std::vector<std::uint32_t>>()),
        below(lower.initial_state(lengths.size())),
        above(upper.initial_state(lengths.size())),
        lower_gradients(lower.parameters().zeros_like()),
        upper_gradients(upper.parameters().zeros_like()) {
    const std::size_t rows = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
    x.resize(rows * request.at("inputs").get<std::size_t>());
    dx.resize(x.size());
    for (std::vector<float>* values : {&between, &y, &dy, &dbetween}) values->resize(rows * 2 * config.units);
  }

  void infer() {
    std::ranges::fill(below.values(), 0.f);
    std::ranges::fill(above.values(), 0.f);
    lower.forward(x, below, between, team, lengths);
    upper.forward(between, above, y, team, lengths);
  }
  void train() {
    lower.pack(team);
    upper.pack(team);
    infer();
    upper.backward(between, dy, upper_gradients, dbetween, team);
    lower.backward(x, dbetween, lower_gradients, dx, team);
  }
};

// A runner's tensors are called as those of a network's first layer.
std::string of_layer(std::string name, int layer) {
  return name.replace(name.find("_l0"), 3, "_l" + std::to_string(layer));
}

void Peer::prepare_stack(const Json& request) {
  const std::string data = request.at("data"), out = request.at("out"), work_name = request.at("work");
  LayerConfig config;
  config.cell = request.at("cell");
  config.units = request.at("hidden");
  config.direction = "both";
  const auto work = std::make_shared<StackWork>(config, request);
  for (const auto& [runner, layer] : {std::pair{&work->lower, 0}, {&work->upper, 1}}) {
    Parameters& parameters = runner->parameters();
    for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
      read(data + of_layer(parameters.shapes()[i].name, layer), parameters[i]);
    }
    runner->pack(work->team);
  }
  read<float>(data + "x", work->x);
  read<float>(data + "dy", work->dy);
  if (work_name.ends_with("inference")) {
    work->infer();
    run = [work] { work->infer(); };
  } else {
    work->train();
    for (const auto& [gradients, layer] : {std::pair{&work->lower_gradients, 0}, {&work->upper_gradients, 1}}) {
      for (std::size_t i = 0; i < gradients->shapes().size(); ++i) {
        write(out + "d" + of_layer(gradients->shapes()[i].name, layer), (*gradients)[i]);
      }
    }
    write(out + "dx", work->dx);
    run = [work] { work->train(); };
  }
  write(out + "y", work->y);
}

Json Peer::prepare(const Json& request) {
  run = nullptr;
  if (request.at("work").get<std::string>().ends_with("-model")) {
    prepare_model(request);
  } else if (!request.at("lengths").empty()) {
    prepare_stack(request);
  } else {
    prepare_layer(request);
  }
  const std::size_t wanted = request.at("threads");
  if (ceilings == nullptr || wanted != threads) ceilings = std::make_unique<bench::Ceilings>(threads = wanted);
  return {{"ready", true}};
}

Json answer(Peer& peer, const Json& request) {
  const std::string what = request.at("do");
  if (what == "about") return {{"version", "target " + target()}};
  if (what == "prepare") return peer.prepare(request);
  if (what == "products") return {{"flops", peer.ceilings->products()}};
  if (what == "reads") return {{"rate", peer.ceilings->reads(request.at("bytes"))}};
  const std::size_t runs = request.at("runs");
  const double start = bench::seconds_now();
  for (std::size_t i = 0; i < runs; ++i) peer.run();
  return {{"seconds", (bench::seconds_now() - start) / static_cast<double>(runs)}};
}

}  // namespace

int main() {
  Peer peer;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << answer(peer, Json::parse(line)) << std::endl;
    } catch (const std::exception& error) {
      std::cout << Json{{"error", error.what()}} << std::endl;
    }
  }
}
