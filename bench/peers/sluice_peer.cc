// Our side of the comparison: reads requests as lines of JSON, does the work that bench/measure does, answers in lines.
// bench/peers/peer.py says what the requests are.
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/measure/ceilings.h"
#include "bench/measure/samples.h"
#include "bench/measure/work.h"
#include "kernels/kernels.h"

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

void read_all(const std::string& from, Parameters& parameters) {
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    read(from + parameters.shapes()[i].name, parameters[i]);
  }
}

void write_all(const std::string& to, const Parameters& gradients) {
  for (std::size_t i = 0; i < gradients.shapes().size(); ++i) {
    write(to + "d" + gradients.shapes()[i].name, gradients[i]);
  }
}

struct Peer {
  std::function<void()> run;
  std::unique_ptr<bench::Ceilings> ceilings;
  std::size_t threads = 0;

  Json prepare(const Json& request);
  void prepare_layer(const Json& request);
  void prepare_model(const Json& request);
};

void Peer::prepare_layer(const Json& request) {
  const std::string work_name = request.at("work"), data = request.at("data"), out = request.at("out");
  const auto work = std::make_shared<bench::LayerWork>(bench::LayerSize{request.at("cell"), request.at("inputs"),
                                                                        request.at("hidden"), request.at("batch"),
                                                                        request.at("steps"), request.at("threads")});
  read_all(data, work->layer.parameters());
  work->layer.pack(work->team);
  read<float>(data + "x", work->x);
  read<float>(data + "dy", work->dy);
  read<float>(data + "state", work->start.values());
  if (work_name == "training") {
    work->train();
    write_all(out, work->gradients);
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

Json Peer::prepare(const Json& request) {
  run = nullptr;
  if (request.at("work").get<std::string>().ends_with("-model")) {
    prepare_model(request);
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
