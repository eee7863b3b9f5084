#include "serve_watch.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "base/json_tree.h"
#include "http_answers.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

std::uint64_t whole(const Json& value, const std::string& name) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  throw Error(Status::usage, name + ": expected a whole number, 0 or more, found something else");
}

// {"stride": 1, "count": 340}, or {} of whoever has nothing yet.
RowsThere rows_there(const Json& value, const std::string& list) {
  if (!value.is_object()) throw Error(Status::usage, list + ": expected an object, found something else");
  RowsThere there;
  for (const auto& [name, number] : value.items()) {
    if (name != "stride" && name != "count") {
      throw Error(Status::usage, fmt::format("{}: expected stride and count, found {}", list, printable(name)));
    }
    (name == "stride" ? there.stride : there.count) = whole(number, fmt::format("{}.{}", list, name));
  }
  return there;
}

}  // namespace

WatchApi::WatchApi(const std::string& log) : log_(log) {
  std::error_code unknown;
  if (std::filesystem::is_directory(log, unknown)) {
    throw Error(Status::usage, fmt::format("--watch: expected the log of a training, found the folder {}", log));
  }
}

HttpJob WatchApi::understand(const HttpRequest& request) noexcept {
  HttpJob job;
  job.response = answered([&] {
    if (request.path == "/api/v1/health") {
      return request.method == "POST" ? wrong_method("GET, HEAD") : HttpResponse{.body = "{\"status\":\"ok\"}"};
    }
    if (request.path != "/api/v1/training") return page_answer(request, "training.html");
    if (request.method != "POST") return wrong_method("POST");
    return news(request.body);
  });
  return job;
}

HttpResponse WatchApi::news(const std::string& body) {
  std::uint64_t run = 0;
  CurvesThere there;
  const Json asked = read_json(body, "body");
  if (!asked.is_object()) throw Error(Status::usage, "body: expected an object, found something else");
  for (const auto& [name, value] : asked.items()) {
    if (name == "run") {
      run = whole(value, name);
    } else if (name == "updates" || name == "validations" || name == "gates") {
      (name == "updates" ? there.updates : name == "gates" ? there.gates : there.validations) = rows_there(value, name);
    } else {
      throw Error(Status::usage,
                  fmt::format("body: expected run, updates, validations and gates, found {}", printable(name)));
    }
  }
  const std::lock_guard lock(mutex_);
  log_.read();
  Json answer = {{"schema", 1}, {"run", log_.run()}, {"notice", log_.notice()}, {"behind", log_.is_behind()}};
  answer.update(log_.curves().json(run == log_.run() ? there : CurvesThere()));
  return {.body = answer.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace sluice::tool
