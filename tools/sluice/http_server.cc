#include "http_server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>

#include "http_listen.h"
#include "http_watch.h"
#include "sluice/error.h"

namespace sluice::tool {
namespace {

// A request on its way through.
struct Exchange {
  HttpRequest request;
  HttpResponse response;
  bool answered = false;  // the response is there; written before the connection is resumed
  MHD_Connection* connection = nullptr;
};

constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::pair<const char*, const char*> kHeaders[] = {{"Content-Security-Policy", kPolicy},
                                                            {"X-Content-Type-Options", "nosniff"},
                                                            {"X-Frame-Options", "DENY"},
                                                            {"Referrer-Policy", "no-referrer"},
                                                            {"Cross-Origin-Opener-Policy", "same-origin"},
                                                            {"Cross-Origin-Resource-Policy", "same-origin"},
                                                            {"Cache-Control", "no-store"}};

std::string_view header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string_view() : value;
}

// How often a header stands there: a second Host is somebody's trick.
std::size_t count_header(MHD_Connection* connection, const std::string& name) {
  std::pair<const std::string*, std::size_t> found{&name, 0};
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* to, MHD_ValueKind, const char* key, const char*) {
        auto& [wanted, count] = *static_cast<std::pair<const std::string*, std::size_t>*>(to);
        count += strcasecmp(key, wanted->c_str()) == 0 ? 1 : 0;
        return MHD_YES;
      },
      &found);
  return found.second;
}

// More files than the usual soft limit of 1024, as far as the system lets us.
void allow_many_files(std::size_t wanted) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) return;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, wanted);
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

HttpResponse http_error(unsigned status, std::string_view message) {
  const nlohmann::ordered_json error = {{"status", status}, {"message", message}};
  return {status, "application/json",
          nlohmann::ordered_json({{"error", error}})
              .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)};
}

struct HttpServer::Impl {
  Impl(const std::string& host, std::uint16_t port, HttpHandler answer, const HttpLimits& most)
      : handler(std::move(answer)),
        limits(most),
        listener(listen_on(host, port)),
        watch({limits.request_seconds, limits.answer_seconds, limits.connections * 3 / 4}) {}

  void start();
  void stop();
  void work();
  std::optional<HttpResponse> refusal(MHD_Connection* connection, const std::string& method) const;
  MHD_Result take(MHD_Connection* connection, Exchange& exchange, Client* client);
  MHD_Result send(MHD_Connection* connection, HttpResponse response, Client* client);
  bool submit(Exchange& exchange);

  static Client* client_of(MHD_Connection* connection) {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return static_cast<Client*>(info->socket_context);
  }
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                               const char* version, const char* data, std::size_t* size, void** context);
  static void on_completed(void* self, MHD_Connection* connection, void** context, MHD_RequestTerminationCode);
  static void on_connection(void* self, MHD_Connection* connection, void** context,
                            MHD_ConnectionNotificationCode code);

  const HttpHandler handler;
  const HttpLimits limits;
  const Listener listener;
  Watch watch;
  MHD_Daemon* daemon = nullptr;
  std::atomic<std::size_t> answer_bytes{0};

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Exchange*> waiting;
  bool stopping = false;
  std::vector<std::thread> workers;
};

void HttpServer::Impl::start() {
  std::signal(SIGPIPE, SIG_IGN);
  allow_many_files(limits.connections + 64);
  const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                         (listener.host.starts_with("[") ? MHD_USE_IPv6 : MHD_NO_FLAG);
  daemon = MHD_start_daemon(flags, 0, nullptr, nullptr, &on_request, this, MHD_OPTION_LISTEN_SOCKET, listener.socket,
                            MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(limits.connections),
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.header_bytes, MHD_OPTION_NOTIFY_COMPLETED,
                            &on_completed, this, MHD_OPTION_NOTIFY_CONNECTION, &on_connection, this, MHD_OPTION_END);
  if (daemon == nullptr) throw Error(Status::failed, "the HTTP server does not start");
  const std::size_t count = limits.workers > 0 ? limits.workers : std::max(2u, std::thread::hardware_concurrency());
  try {
    for (std::size_t i = 0; i < count; ++i) workers.emplace_back([this] { work(); });
  } catch (const std::exception&) {
    if (!workers.empty()) return;  // fewer than wanted, but some
    stop();
    throw;
  }
}

void HttpServer::Impl::stop() {
  const MHD_socket listening = MHD_quiesce_daemon(daemon);
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (std::thread& worker : workers) worker.join();
  const auto start = std::chrono::steady_clock::now();
  while (watch.busy() && std::chrono::steady_clock::now() - start < std::chrono::seconds(2))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  MHD_stop_daemon(daemon);
  if (listening != MHD_INVALID_SOCKET) close(listening);
}

// What is in line when the server stops is told so.
void HttpServer::Impl::work() {
  std::unique_lock lock(mutex);
  while (true) {
    wake.wait(lock, [this] { return stopping || !waiting.empty(); });
    if (waiting.empty()) return;
    Exchange& exchange = *waiting.front();
    waiting.pop_front();
    const bool late = stopping;
    lock.unlock();
    exchange.response = late ? http_error(503, "the server is stopping") : handler(exchange.request);
    exchange.request.body = {};
    exchange.answered = true;
    MHD_resume_connection(exchange.connection);
    lock.lock();
  }
}

// Whether a worker will answer; the exchange is its own from then on until it is resumed.
bool HttpServer::Impl::submit(Exchange& exchange) {
  {
    const std::lock_guard lock(mutex);
    if (!stopping && waiting.size() < limits.waiting) {
      MHD_suspend_connection(exchange.connection);  // before a worker can resume it
      waiting.push_back(&exchange);
      wake.notify_one();
      return true;
    }
  }
  exchange.response = http_error(503, "too many requests wait; try again in a second");
  exchange.response.headers.emplace_back("Retry-After", "1");
  return false;
}

// What is wrong with a request by its headers alone.
std::optional<HttpResponse> HttpServer::Impl::refusal(MHD_Connection* connection, const std::string& method) const {
  const std::string_view host = header(connection, MHD_HTTP_HEADER_HOST);
  if (count_header(connection, MHD_HTTP_HEADER_HOST) != 1 || !is_own_host(listener, host)) {
    return http_error(421, "Host: expected an address of this server, found another");
  }
  // Another site may link to the page, and no more.
  const std::string_view origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
  const bool followed_link = method == "GET" && header(connection, "Sec-Fetch-Mode") == "navigate";
  const bool from_another_site = header(connection, "Sec-Fetch-Site") == "cross-site" && !followed_link;
  if ((!origin.empty() && !is_own_origin(origin, host)) || from_another_site) {
    return http_error(403, "Origin: expected a page of this server, found another");
  }
  if (method == "GET" || method == "HEAD") return std::nullopt;
  if (method != "POST") {
    HttpResponse response = http_error(405, "method: expected GET, HEAD or POST, found another");
    response.headers.emplace_back("Allow", "GET, HEAD, POST");
    return response;
  }
  const std::string_view type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
  if (type.substr(0, type.find(';')) != "application/json") {
    return http_error(415, "Content-Type: expected application/json, found another or none");
  }
  const std::string_view length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::uint64_t bytes = 0;
  const auto read = std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (length.empty() || read.ptr != length.data() + length.size()) {
    return http_error(411, "Content-Length: expected the number of bytes that follow, found none");
  }
  if (read.ec != std::errc() || bytes > limits.body_bytes) {
    return http_error(413, fmt::format("body: expected at most {} bytes, found more", limits.body_bytes));
  }
  return std::nullopt;
}

MHD_Result HttpServer::Impl::send(MHD_Connection* connection, HttpResponse response, Client* client) {
  if (answer_bytes.load() + response.body.size() > limits.answer_bytes) {
    response = http_error(503, "too many answers are on their way; try again in a second");
    response.headers.emplace_back("Retry-After", "1");
  }
  struct Held {
    std::string body;
    std::atomic<std::size_t>& bytes;
  };
  auto* held = new Held{std::move(response.body), answer_bytes};
  answer_bytes += held->body.size();
  MHD_Response* answer = MHD_create_response_from_buffer_with_free_callback_cls(
      held->body.size(), held->body.data(),
      [](void* pointer) {
        const std::unique_ptr<Held> done(static_cast<Held*>(pointer));
        done->bytes -= done->body.size();
      },
      held);
  if (answer == nullptr) return MHD_NO;
  for (const auto& [name, value] : kHeaders) MHD_add_response_header(answer, name, value);
  for (const auto& [name, value] : response.headers) MHD_add_response_header(answer, name.c_str(), value.c_str());
  MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, response.type.c_str());
  watch.enter(client, Client::Phase::answer);
  const MHD_Result queued = MHD_queue_response(connection, response.status, answer);
  MHD_destroy_response(answer);
  return queued;
}

// The whole request is there.
MHD_Result HttpServer::Impl::take(MHD_Connection* connection, Exchange& exchange, Client* client) {
  if (exchange.request.method != "POST") return send(connection, handler(exchange.request), client);
  if (!exchange.answered) {
    watch.enter(client, Client::Phase::work);
    if (submit(exchange)) return MHD_YES;
  }
  return send(connection, std::move(exchange.response), client);
}

MHD_Result HttpServer::Impl::on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                                        const char*, const char* data, std::size_t* size, void** context) {
  Impl& server = *static_cast<Impl*>(self);
  Client* client = client_of(connection);
  try {
    if (*context == nullptr) {
      auto* exchange = new Exchange;
      *context = exchange;
      exchange->connection = connection;
      exchange->request.method = method;
      exchange->request.path = url;
      std::optional<HttpResponse> refusal = server.refusal(connection, exchange->request.method);
      return refusal ? server.send(connection, std::move(*refusal), client) : MHD_YES;
    }
    Exchange& exchange = *static_cast<Exchange*>(*context);
    if (*size > 0) {
      if (exchange.request.body.size() + *size > server.limits.body_bytes) return MHD_NO;  // more than was announced
      exchange.request.body.append(data, *size);
      *size = 0;
      return MHD_YES;
    }
    return server.take(connection, exchange, client);
  } catch (const std::exception&) {
    return MHD_NO;  // no memory: the connection is closed
  }
}

void HttpServer::Impl::on_completed(void* self, MHD_Connection* connection, void** context,
                                    MHD_RequestTerminationCode) {
  const std::unique_ptr<Exchange> done(static_cast<Exchange*>(*context));
  *context = nullptr;
  if (Client* client = client_of(connection)) static_cast<Impl*>(self)->watch.enter(client, Client::Phase::request);
}

void HttpServer::Impl::on_connection(void* self, MHD_Connection* connection, void** context,
                                     MHD_ConnectionNotificationCode code) {
  Watch& watch = static_cast<Impl*>(self)->watch;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    *context = watch.add(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
  } else {
    watch.remove(static_cast<Client*>(*context));
    *context = nullptr;
  }
}

HttpServer::HttpServer(const std::string& host, std::uint16_t port, HttpHandler handler, const HttpLimits& limits) try
    : impl_(std::make_unique<Impl>(host, port, std::move(handler), limits)) {
  impl_->start();
} catch (const std::system_error& error) {
  throw Error(Status::failed, fmt::format("the HTTP server does not start: no thread: {}", error.code().message()));
}

HttpServer::~HttpServer() { impl_->stop(); }

std::string HttpServer::url() const { return fmt::format("http://{}:{}/", impl_->listener.host, impl_->listener.port); }

}  // namespace sluice::tool
