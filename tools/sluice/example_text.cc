// See example_text.h.
#include "example_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "explain/facts.h"
#include "model/config.h"
#include "model/layout.h"
#include "model/model_access.h"
#include "model/network.h"

namespace sluice::tool {
namespace {

// [T, H] from the last step to the first.
void turn(std::vector<float>& rows, std::size_t width) {
  if (rows.empty()) return;
  const std::size_t count = rows.size() / width;
  for (std::size_t t = 0; t < count / 2; ++t) {
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>(t * width);
    std::swap_ranges(row, row + static_cast<std::ptrdiff_t>(width),
                     rows.begin() + static_cast<std::ptrdiff_t>((count - 1 - t) * width));
  }
}

}  // namespace

bool reads_examples_of_text(const Model& model, TaskKind kind) {
  return model.reads_text() && (kind == TaskKind::classify || kind == TaskKind::tag);
}

ExampleText read_example_text(const Model& model, const Task& task, const std::string& text) {
  ExampleText read;
  const Vocabulary& vocabulary = model.vocabulary();
  if (task.kind == TaskKind::tag) {
    std::istringstream words(text);
    for (std::string word; words >> word;) read.words.push_back(word);
    read.examples.tagged.words = read.words;
    read.examples.tagged.starts = {0, read.words.size()};
    for (const std::string& word : read.words) read.known.push_back(vocabulary.find(word).has_value());
  } else {
    read.examples.texts.texts = {text};
    for (const Token token : vocabulary.encode(text, &read.words)) read.known.push_back(token != Vocabulary::unknown);
  }
  if (read.words.empty()) {
    throw Error(Status::usage, fmt::format("TEXT: expected at least one {}, found an empty text", unit_name(model)));
  }
  read.examples.classes = task.classes;
  encode_for(model, task, read.examples);
  return read;
}

GateTrace trace_example(const Model& model, const ExampleText& text, std::vector<std::string>& names) {
  const Network& network = network_of(model);
  const std::vector<LayerConfig> stack = layers_of(model.config());
  std::vector<bool> backward;
  const LayerConfig* first = nullptr;
  for (std::size_t l = 0, number = 0; l < stack.size(); ++l) {
    if (stack[l].kind != "recurrent") continue;
    if (first == nullptr) first = &stack[l];
    if (stack[l].units != first->units || stack[l].cell != first->cell) {
      throw Error(Status::usage,
                  "gates: expected layers of one cell and size, found " + layers_in_words(model.config()));
    }
    ++number;
    const std::string& direction = stack[l].direction;
    if (direction != "backward") {
      backward.push_back(false);
      names.push_back(direction == "forward" ? fmt::format("{}", number) : fmt::format("{} forward", number));
    }
    if (direction != "forward") {
      backward.push_back(true);
      names.push_back(fmt::format("{} backward", number));
    }
  }
  const Sequences& one = text.examples.sequences;
  Window window;
  window.inputs = Rows(one.tokens);
  window.steps = one.tokens.size();
  window.batch = 1;
  window.words = one.words;
  window.spellings = &one.spellings;
  Workspace workspace;
  Team alone(1);
  State state = network.initial_state(1);
  network.forward(window, state, workspace, alone);
  GateTrace trace = network.trace(workspace);
  for (std::size_t l = 0; l < trace.layers.size(); ++l) {
    if (!backward.at(l)) continue;
    LayerTrace& layer = trace.layers[l];
    for (std::vector<float>& gate : layer.gates) turn(gate, trace.hidden);
    for (std::vector<float>* rows : {&layer.candidate, &layer.hidden, &layer.memory}) turn(*rows, trace.hidden);
  }
  return trace;
}

}  // namespace sluice::tool
