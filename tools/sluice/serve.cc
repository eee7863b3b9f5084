// sluice serve MODEL [MODEL...]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <thread>

#include "interrupts.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "serve_api.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Serve {
  std::vector<std::string> paths;
  std::string host = "127.0.0.1";
  std::uint64_t port = 8080;
  bool quiet = false;

  int run() const;
};

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

int Serve::run() const {
  expect(port <= 65535, "--port", "0 to 65535", std::to_string(port));
  std::vector<ServedModel> models;
  for (const std::string& path : paths) models.push_back({model_name(path), path, open_model(path)});
  const Api api(std::move(models));
  Console console(quiet);
  Interrupts interrupts;
  {
    const HttpServer server(host, static_cast<std::uint16_t>(port),
                            [&](const HttpRequest& request) { return api.understand(request); });
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
  app.add_option("MODEL", verb->paths, "files that train wrote; several are shown side by side")->required();
  add_value(app, "--host", verb->host, "address to listen on; another than 127.0.0.1 lets others in", "ADDRESS");
  add_value(app, "--port", verb->port, "port to listen on; 0: any that is free", "N");
  app.add_flag("-q,--quiet", verb->quiet, "say nothing but the address");
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
