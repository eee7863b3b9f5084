// sluice import FILE [--check io.npz] [-o MODEL]
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/file.h"
#include "formats/foreign/check.h"
#include "formats/foreign/import.h"
#include "formats/foreign/to_model.h"
#include "options.h"
#include "output.h"
#include "sluice/import.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Import {
  std::string file, output, check, layout, reset, unused;
  std::optional<double> tolerance;
  foreign::Options options;
  bool force = false;
  ResultFlags result;

  foreign::Options wanted() const;
  int run() const;
};

foreign::Options Import::wanted() const {
  foreign::Options chosen = options;
  expect(layout.empty() || layout == "batch-first" || layout == "time-first", "--layout", "batch-first or time-first",
         layout);
  expect(reset.empty() || reset == "before" || reset == "after", "--reset", "before or after", reset);
  expect(options.convention.empty() || options.convention == "keras", "--convention", "keras", options.convention);
  if (!layout.empty())
    chosen.layout = layout == "batch-first" ? foreign::Layout::batch_first : foreign::Layout::time_first;
  if (!reset.empty()) chosen.reset_after = reset == "after";
  chosen.unused = split(unused, ',');
  return chosen;
}

std::string draw_parts(const Style& style, const foreign::Network& network) {
  std::string page = fmt::format("{}\n\n", style.dim(printable(network.format)));
  const std::vector<foreign::PartLine> lines = foreign::summary(network);
  std::size_t names = 4, whats = 4, sizes = 5;
  for (const foreign::PartLine& line : lines) {
    names = std::max(names, columns(printable(line.name)));
    whats = std::max(whats, columns(line.what));
    sizes = std::max(sizes, columns(line.sizes));
  }
  for (const foreign::PartLine& line : lines) {
    page += fmt::format("{}  {}  {}  {}\n", pad_right(style.bold(printable(line.name)), names),
                        pad_right(line.what, whats), pad_right(line.sizes, sizes),
                        line.parameters > 0 ? style.dim(pad_left(thousands(line.parameters), 12)) : "");
  }
  return page + fmt::format("\n{} parameters\n", thousands(network.parameter_count()));
}

std::string draw_check(const Style& style, const foreign::CheckResult& check, const char* by) {
  std::string page;
  for (const std::string& input : check.left_out) {
    page += fmt::format("{}\n", style.dim("zeros for " + printable(input) + ", which the check does not give"));
  }
  for (const foreign::Comparison& line : check.comparisons) {
    page += fmt::format("{}  largest difference {} of {} numbers up to {:.3g}{}\n", style.bold(printable(line.output)),
                        style.bold(fmt::format("{:.2e}", line.largest)), thousands(line.numbers), line.magnitude, by);
  }
  return page;
}

std::string draw_outputs(const Style& style, const std::vector<foreign::FirstOutput>& outputs) {
  std::string page = "Nothing was proved: no --check. The first outputs for simple inputs:\n";
  for (const foreign::FirstOutput& output : outputs) {
    page += style.bold(printable(output.output)) + " ";
    for (const double number : output.numbers) page += fmt::format(" {:.6g}", number);
    page += "\n";
  }
  return page;
}

Json parts_json(const foreign::Network& network) {
  Json parts = Json::array();
  for (const foreign::PartLine& line : foreign::summary(network)) {
    parts.push_back({{"name", line.name}, {"what", line.what}, {"sizes", line.sizes}, {"parameters", line.parameters}});
  }
  return parts;
}

Json check_json(const foreign::CheckResult& check) {
  Json outputs = Json::array();
  for (const foreign::Comparison& line : check.comparisons) {
    outputs.push_back({{"output", line.output},
                       {"array", line.array},
                       {"largest_difference", line.largest},
                       {"magnitude", line.magnitude},
                       {"numbers", line.numbers}});
  }
  return {{"largest_difference", check.largest()}, {"left_out", check.left_out}, {"outputs", outputs}};
}

int Import::run() const {
  const foreign::Options chosen = wanted();
  if (!output.empty()) result.expect_output("--output", output, force);
  const foreign::Network network = foreign::open_network(file, chosen);
  std::optional<foreign::Converted> made;
  if (!output.empty()) made = foreign::to_model(network, file);
  std::optional<foreign::CheckResult> checked;
  std::optional<foreign::ModelCheck> made_checked;
  std::vector<foreign::FirstOutput> outputs;
  if (!check.empty()) {
    const RawVector<char> bytes = read_file(check);
    const auto arrays = foreign::read_arrays({bytes.data(), bytes.size()}, check);
    checked = foreign::check(network, arrays);
    if (tolerance && !(checked->largest() <= *tolerance)) {
      throw Error(Status::failed, fmt::format("{}: expected differences up to {:.3g}, found {:.3g}", printable(file),
                                              *tolerance, checked->largest()));
    }
    if (made) {
      made_checked = foreign::check_model(*made, network, arrays, file, tolerance.value_or(ImportOptions().tolerance));
    }
  } else {
    outputs = foreign::first_outputs(network);
  }
  if (made) save(made->model, output, {.force = force});
  const auto view = [&](const Style& style) {
    std::string page = fmt::format("{}  ", style.bold(printable(file))) + draw_parts(style, network) + "\n";
    page += checked ? draw_check(style, *checked, "") : draw_outputs(style, outputs);
    if (made) page += fmt::format("\n{}\n", style.bold(printable(output)));
    if (made_checked) page += draw_check(style, made_checked->result, ", by the model");
    if (const std::size_t kept = made_checked ? made_checked->kept : 0; kept > 0) {
      page += style.dim(fmt::format("{} {} of the check kept in the file, compared whenever it is read", kept,
                                    kept == 1 ? "sequence" : "sequences")) +
              "\n";
    }
    if (made) {
      for (const std::string& remark : made->remarks) page += style.dim(printable(remark)) + "\n";
    }
    return page;
  };
  show(result, view, [&]() -> Json {
    Json first = Json::object();
    for (const foreign::FirstOutput& line : outputs) first[line.output] = line.numbers;
    return {{"file", file},
            {"format", network.format},
            {"parts", parts_json(network)},
            {"parameters", network.parameter_count()},
            {"check", checked ? check_json(*checked) : Json()},
            {"first_outputs", checked ? Json() : first},
            {"model", made ? Json(output) : Json()},
            {"model_check", made_checked ? check_json(made_checked->result) : Json()},
            {"kept_sequences", made_checked ? made_checked->kept : 0},
            {"remarks", made ? Json(made->remarks) : Json::array()}};
  });
  return 0;
}

}  // namespace

Action add_import(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Import>();
  app.add_option("FILE", verb->file, "a model of another system")->required();
  app.add_option("-o,--output", verb->output, "write it as a model of ours, where it is one")->type_name("MODEL");
  app.add_option("--check", verb->check,
                 "arrays in_NAME and out_NAME of an .npz, or JSON of inputs and outputs, to compare with")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--tolerance",
         [verb](const std::string& text) {
           double value = 0;
           read_value("--tolerance", text, value);
           verb->tolerance = value;
         },
         "fail where a number differs by more (of a model that is written: 1e-3)")
      ->type_name("X");
  app.add_flag("--force", verb->force, "replace an existing file");
  const std::string group = "What a file may not say";
  app.add_option("--parts", verb->options.parts, "modules and steps in the order they run: embedding,gru,last,fc=relu")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--unused", verb->unused, "tensors or modules that are no part of the network")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--layout", verb->layout, "of arrays with a batch axis: batch-first or time-first")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--reset", verb->reset, "where a gru resets: before or after the product")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--convention", verb->options.convention, "of arrays NAME_w, NAME_u, NAME_b: keras")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--constants", verb->options.constants, "an .npz with weights that an ONNX graph takes as inputs")
      ->type_name("FILE")
      ->group(group);
  app.add_option_function<std::string>(
         "--silence",
         [verb](const std::string& text) {
           std::uint64_t steps = 0;
           read_value("--silence", text, steps);
           verb->options.silence = steps;
         },
         "steps of zeros before the first step (NAM plays half a second of them)")
      ->type_name("N")
      ->group(group);
  verb->result.add(app);
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
