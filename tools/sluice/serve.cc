// sluice serve MODEL [MODEL...]; sluice serve --watch LOG
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>

#include "interrupts.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "serve_api.h"
#include "serve_watch.h"
#include "unit_corpus.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Serve {
  std::vector<std::string> paths;
  std::string log;
  std::string host = "127.0.0.1";
  std::uint64_t port = 8080;
  std::vector<std::string> frames, corpus;
  std::string state;
  bool quiet = false;

  int run() const;
  int run_server(const HttpHandler& handler, const HttpLimits& limits) const;
  void read_corpus(std::vector<ServedModel>& models, Console& console) const;
};

// "http://slides.example:8000": what a browser calls the origin of a page, and nothing that would be more of a header.
bool is_origin(const std::string& text) {
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : text.size();
  const std::string host = text.substr(scheme);
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-:[]").find(c) != std::string_view::npos;
  });
}

// However the orderly end goes on, the process is gone in less than two seconds.
void end_soon(int code) {
  try {
    std::thread([code] {
      std::this_thread::sleep_for(std::chrono::milliseconds(1800));
      std::_Exit(code);
    }).detach();
  } catch (const std::system_error&) {
    // No thread to be had: the orderly end alone.
  }
}

// All models together stay below the memory that one may take.
void Serve::read_corpus(std::vector<ServedModel>& models, Console& console) const {
  UnitsOptions options;
  options.state = state == "c" ? 1 : 0;
  for (ServedModel& served : models) {
    expect_model_for("serve", served.model, served.path);
    options.go_on = [&](double share) {
      console.progress(served.name + " reads the corpus", share, "");
      return true;
    };
    const Task task = task_of(served.model, served.path);
    served.finder = std::make_shared<UnitFinder>(served.model, read_units_files(served.model, task, corpus), options);
    const std::vector<Token>& tokens = served.finder->corpus().sequences.tokens;
    served.words = std::make_shared<CorpusWords>(tokens, served.model.vocabulary().size());
    options.memory -= served.finder->memory();
    console.clear();
  }
}

int Serve::run() const {
  expect(port <= 65535, "--port", "0 to 65535", std::to_string(port));
  expect(state.empty() || state == "h" || state == "c", "--corpus-state", "h or c", state);
  HttpLimits limits;
  for (const std::string& origin : frames) {
    expect(is_origin(origin), "--allow-frame", "the origin of a page, such as http://localhost:8000", origin);
    limits.frames += (limits.frames.empty() ? "" : " ") + origin;
  }
  if (!log.empty()) {
    WatchApi api(log);
    return run_server([&](const HttpRequest& request) { return api.understand(request); }, limits);
  }
  std::vector<ServedModel> models;
  for (const std::string& path : paths) models.push_back({model_name(path), path, open_model(path)});
  if (!corpus.empty()) {
    Console console(quiet);
    read_corpus(models, console);
  }
  const Api api(std::move(models));
  return run_server([&](const HttpRequest& request) { return api.understand(request); }, limits);
}

int Serve::run_server(const HttpHandler& handler, const HttpLimits& limits) const {
  Console console(quiet);
  Interrupts interrupts;
  {
    const HttpServer server(host, static_cast<std::uint16_t>(port), handler, limits);
    print(server.url() + "\n");
    flush();
    console.say("open this in a browser; Ctrl-C ends");
    while (interrupts.go_on()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    console.say(fmt::format("stopped by {}", interrupts.name()));
    end_soon(interrupts.exit_code());
  }
  return interrupts.exit_code();
}

}  // namespace

Action add_serve(CLI::App& app, const Invocation&) {
  const auto verb = std::make_shared<Serve>();
  CLI::Option* models = app.add_option("MODEL", verb->paths, "files that train wrote; several are shown side by side");
  CLI::Option* corpus =
      app.add_option("--corpus", verb->corpus,
                     "a text, or sentences with tags, in which the page finds what each unit follows; repeatable")
          ->type_name("FILE")
          ->allow_extra_args(false);
  app.add_option("--corpus-state", verb->state, "h, or the c of LSTMs")->type_name("h|c")->default_str("h");
  app.add_option("--watch", verb->log, "instead of models, show the training that writes this log (train --log)")
      ->type_name("FILE")
      ->excludes(models)
      ->excludes(corpus);
  add_value(app, "--host", verb->host, "address to listen on; another than 127.0.0.1 lets others in", "ADDRESS");
  add_value(app, "--port", verb->port, "port to listen on; 0: any that is free", "N");
  app.add_option("--allow-frame", verb->frames,
                 "origin whose pages, such as slides, may show this one in a frame; repeatable")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  app.add_flag("-q,--quiet", verb->quiet, "say nothing but the address");
  return [verb] {
    if (verb->log.empty() && verb->paths.empty()) {
      throw Error(Status::usage, "serve: expected a MODEL, or the log of a training with --watch, found neither");
    }
    return verb->run();
  };
}

}  // namespace sluice::tool
