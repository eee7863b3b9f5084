// sluice export MODEL --to c|pytorch|onnx|keras|rtneural|nam -o FILE
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "base/file.h"
#include "formats/export_c.h"
#include "formats/foreign/export.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Export {
  std::string model, to, output, header, precision = "f32", prefix = "model";
  std::uint64_t check = 0;
  bool tokens = false, no_tokens = false, force = false;
  ResultFlags result;

  COptions options() const;
  int run() const;
  int write_c() const;
};

COptions Export::options() const {
  expect(precision == "f32" || precision == "int8", "--precision", "f32 or int8", precision);
  COptions options;
  options.precision = precision == "int8" ? CPrecision::int8 : CPrecision::f32;
  options.prefix = prefix;
  options.header = std::filesystem::path(header).filename().string();
  if (tokens || no_tokens) options.tokens = tokens;
  options.check_steps = check;
  return options;
}

int Export::run() const {
  if (to == "c") return write_c();
  const foreign::System* system = foreign::find_system(to);
  expect(system != nullptr, "--to", "c, " + foreign::system_names(), to);
  const bool of_c = !header.empty() || precision != "f32" || prefix != "model" || tokens || no_tokens || check > 0;
  expect(!of_c, "--to", "c with options of C", to);
  result.expect_output("--output", output, force);
  const foreign::Exported made = system->write(load_for("export", model), output);
  write_file(output, made.bytes, force);
  const auto view = [&](const Style& style) {
    std::string page = fmt::format("{}  {}\n", style.bold(one_line(output)), style.dim(memory(made.bytes.size())));
    return made.usage.empty() ? page : page + "\n" + printable(made.usage);
  };
  show(result, view, [&]() -> Json {
    return {{"file", output}, {"to", to}, {"bytes", made.bytes.size()}, {"usage", made.usage}};
  });
  return 0;
}

int Export::write_c() const {
  const COptions wanted = options();
  result.expect_output("--output", output, force);
  if (!header.empty()) result.expect_output("--header", header, force);
  const Model network = load_for("export --to c", model);
  try {
    expect_for_c(network, model + ": export --to c");
  } catch (const Error& error) {
    const TaskKind kind = task_of(network, model).kind;
    const char* instead = "; --to onnx writes models of this task";
    if (kind == TaskKind::classify && !network.reads_text()) {
      instead = "; train it with --direction forward --at last, or write it with --to onnx";
    }
    if (network.config().spelling.characters > 0) {
      instead = "; no --to writes a tagger that spells words: train it with --spelling-units 0";
    }
    if (kind == TaskKind::language) instead = "";
    throw Error(Status::bad_file, fmt::format("{}{}", error.what(), instead));
  }
  const CSource c = export_c(network, wanted);
  std::vector<FileBytes> files = {{output, c.source}};
  if (!header.empty()) files.push_back({header, c.header});
  write_files(files, force);
  const auto view = [&](const Style& style) {
    const auto row = [&](const char* name, const std::string& value, const std::string& note) {
      return fmt::format("{}  {}  {}\n", pad_right(name, 14), style.bold(pad_left(value, 12)), style.dim(note));
    };
    std::string page = fmt::format("{}\n", style.bold(one_line(output)));
    if (!header.empty()) page += fmt::format("{}\n", style.bold(one_line(header)));
    page += "\n" + row("weights", thousands(c.weight_bytes), fmt::format("bytes, {}", precision));
    page += row("state", thousands(c.state_bytes), "bytes a stream");
    page += row("work", thousands(c.work_bytes), "bytes for any number of streams");
    page += row("tokens", thousands(c.token_bytes), "bytes of text");
    page += row("step", thousands(c.step_products), "multiply-adds");
    page += row("outputs", thousands(c.output_products), "multiply-adds");
    if (c.error) {
      const std::string steps = fmt::format("of {} steps", int8_error_steps);
      page += row("state error", fmt::format("{:.1e}", c.error->state),
                  "at most, " + steps + (network.reads_text() ? " of the model's own text" : " of noise"));
      page += row("outputs error", fmt::format("{:.1e}", c.error->outputs), "at most");
      page += row("same largest", std::to_string(c.error->same), steps);
    }
    return page;
  };
  show(result, view, [&]() -> Json {
    Json error;
    if (c.error) {
      error = {{"steps", int8_error_steps},
               {"state", c.error->state},
               {"outputs", c.error->outputs},
               {"same_largest", c.error->same}};
    }
    return {{"source", output},
            {"header", header.empty() ? Json() : Json(header)},
            {"precision", precision},
            {"weight_bytes", c.weight_bytes},
            {"state_bytes", c.state_bytes},
            {"work_bytes", c.work_bytes},
            {"token_bytes", c.token_bytes},
            {"multiply_adds", {{"step", c.step_products}, {"outputs", c.output_products}}},
            {"error", error}};
  });
  return 0;
}

}  // namespace

Action add_export(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Export>();
  app.add_option("MODEL", verb->model, "a file that train wrote")->required();
  app.add_option("--to", verb->to,
                 "what to write: c, one freestanding C99 file; or a model of pytorch, onnx, keras, rtneural or nam")
      ->required()
      ->type_name("NAME");
  app.add_option("-o,--output", verb->output, "the file to write")->required()->type_name("FILE");
  app.add_option("--header", verb->header, "put the declarations into this file")->type_name("FILE");
  add_value(app, "--precision", verb->precision, "of weights and products: f32 or int8", "NAME");
  add_value(app, "--prefix", verb->prefix, "of every name in the file", "NAME");
  app.add_flag("--tokens", verb->tokens, "write the tokens' texts; by default when there are at most 1024");
  app.add_flag("--no-tokens", verb->no_tokens, "leave them out")->excludes("--tokens");
  add_value(app, "--check", verb->check, "write a function that compares this many steps with the engine's numbers",
            "N");
  app.add_flag("--force", verb->force, "replace existing files");
  verb->result.add(app);
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
