// A small HTTP server on libmicrohttpd: one thread moves bytes, workers answer, everything is bounded.
//
// A page of a stranger's must not reach it through the browser of whoever runs it: the Host must be an address of this
// server (DNS rebinding), an Origin must be its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::tool {

struct HttpRequest {
  std::string method, path, body;
};

// Whether it is worth going on with an answer; asked again and again by what takes long.
using GoOn = std::function<bool()>;

struct HttpResponse {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// {"error": {"status": ..., "message": ...}}
HttpResponse http_error(unsigned status, std::string_view message);

// What a request asks, once it is understood: the answer itself, or how to find it.
struct HttpJob {
  HttpResponse response = {};
  std::function<HttpResponse(const GoOn&)> run = {};  // must not throw; empty: `response` is the answer
  bool is_long = false;                               // others should not have to wait for it
};

struct HttpLimits {
  std::size_t body_bytes = std::size_t{1} << 16;
  std::size_t header_bytes = std::size_t{16} << 10;  // of a request, with its first line
  std::size_t path_bytes = std::size_t{4} << 10;
  std::size_t connections = 800;                      // the rest wait to be accepted
  std::size_t waiting = 128;                          // requests in line for a worker
  std::size_t waiting_each = 64;                      // of them from one address
  std::size_t answer_bytes = std::size_t{256} << 20;  // of all answers on their way
  double request_seconds = 5;                         // for a request to arrive, however it trickles
  double work_seconds = 30;                           // for an answer to be found
  double answer_seconds = 60;                         // for an answer to be taken
  double stop_seconds = 1;                            // for work under way when the server stops
  std::size_t workers = 0;                            // 0: as many as the machine has
  std::string frames = {};  // origins, with blanks between them, whose pages may show this one's in a frame
};

// Understands one request; must not throw. GET is understood and answered on the thread that moves bytes and has to be
// quick; POST on a worker, several at a time.
using HttpHandler = std::function<HttpJob(const HttpRequest&)>;

class HttpServer {
 public:
  // Listens at once; port 0: any. Throws Error (failed) naming the address when that cannot be, (usage) for a host that
  // is none.
  HttpServer(const std::string& host, std::uint16_t port, HttpHandler handler, const HttpLimits& limits = {});
  // Takes no more, lets what is being answered come to its end for a second, and ends.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:8080/"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::tool
