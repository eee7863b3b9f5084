#include "http_server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>

#include "http_headers.h"
#include "http_listen.h"
#include "http_watch.h"
#include "http_work.h"
#include "sluice/error.h"

namespace sluice::tool {
namespace {

// Who may show the page in a frame comes after it.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors ";
constexpr std::pair<const char*, const char*> kHeaders[] = {{"X-Content-Type-Options", "nosniff"},
                                                            {"Referrer-Policy", "no-referrer"},
                                                            {"Cross-Origin-Opener-Policy", "same-origin"},
                                                            {"Cross-Origin-Resource-Policy", "same-origin"},
                                                            {"Cache-Control", "no-store"}};

// How much longer than they may be headers are read, so that it is this server that refuses them: the library's own
// refusals are a line of HTML without the headers above.
constexpr std::size_t kRoomier = 4;

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
  struct Exchange;

  Impl(const std::string& host, std::uint16_t port, HttpHandler answer, const HttpLimits& most)
      : handler(std::move(answer)),
        limits(most),
        policy(kPolicy + (most.frames.empty() ? "'none'" : most.frames)),
        listener(listen_on(host, port)),
        watch({limits.request_seconds, limits.answer_seconds, limits.connections * 3 / 4}) {}

  void start();
  void stop();
  MHD_Result take(MHD_Connection* connection, Exchange& exchange, Client* client);
  MHD_Result send(MHD_Connection* connection, HttpResponse response, Client* client);

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
  const std::string policy;
  const Listener listener;
  Watch watch;
  MHD_Daemon* daemon = nullptr;
  std::atomic<std::size_t> answer_bytes{0};

  std::optional<Workers> workers;
};

// A request on its way through.
struct HttpServer::Impl::Exchange : Task {
  Exchange(Impl& of, MHD_Connection* on, Client* from) : server(of), connection(on), asker(from) {}

  const std::string& client() const override { return address; }
  void enter() override { MHD_suspend_connection(connection); }
  bool understand() override {
    if (!go_on()) return false;
    job = server.handler(request);
    request.body = {};
    return job.is_long;
  }
  void answer() override {
    since = std::chrono::steady_clock::now();
    if (job.run && go_on()) job.response = job.run([this] { return go_on(); });
    if (!go_on()) job.response = http_error(503, "this took too long, or the server is stopping");
    finish();
  }
  void give_up() override {
    job.response = http_error(503, "the server is stopping");
    finish();
  }

  Impl& server;
  MHD_Connection* connection;
  Client* asker;
  std::string address;
  HttpRequest request;
  HttpJob job;
  bool answered = false;  // the response is there; written before the connection is resumed
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();

 private:
  bool go_on() const {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - since;
    return !asker->gone && !server.workers->hurry() && taken.count() < server.limits.work_seconds;
  }
  void finish() {
    answered = true;
    MHD_resume_connection(connection);
  }
};

void HttpServer::Impl::start() {
  std::signal(SIGPIPE, SIG_IGN);
  allow_many_files(limits.connections + 64);
  const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                         (listener.host.starts_with("[") ? MHD_USE_IPv6 : MHD_NO_FLAG);
  const std::size_t count = limits.workers > 0 ? limits.workers : std::max(2u, std::thread::hardware_concurrency());
  workers.emplace(count, limits.waiting, limits.waiting_each);
  // Behind one address may stand many who share it, so most of the places, but not all; on this machine all do.
  const unsigned each = listener.loopback ? 0 : static_cast<unsigned>(limits.connections * 3 / 4);
  daemon = MHD_start_daemon(flags, 0, nullptr, nullptr, &on_request, this, MHD_OPTION_LISTEN_SOCKET, listener.socket,
                            MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(limits.connections),
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, each, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            kRoomier * limits.header_bytes, MHD_OPTION_NOTIFY_COMPLETED, &on_completed, this,
                            MHD_OPTION_NOTIFY_CONNECTION, &on_connection, this, MHD_OPTION_END);
  if (daemon == nullptr) throw Error(Status::failed, "the HTTP server does not start");
}

void HttpServer::Impl::stop() {
  const MHD_socket listening = MHD_quiesce_daemon(daemon);
  workers->stop(limits.stop_seconds);
  const auto start = std::chrono::steady_clock::now();
  while (watch.busy() && std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  MHD_stop_daemon(daemon);
  if (listening != MHD_INVALID_SOCKET) close(listening);
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
  MHD_add_response_header(answer, "Content-Security-Policy", policy.c_str());
  if (limits.frames.empty()) MHD_add_response_header(answer, "X-Frame-Options", "DENY");
  for (const auto& [name, value] : response.headers) MHD_add_response_header(answer, name.c_str(), value.c_str());
  MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, response.type.c_str());
  watch.enter(client, Client::Phase::answer);
  const MHD_Result queued = MHD_queue_response(connection, response.status, answer);
  MHD_destroy_response(answer);
  return queued;
}

// The whole request is there.
MHD_Result HttpServer::Impl::take(MHD_Connection* connection, Exchange& exchange, Client* client) {
  if (exchange.request.method != "POST") {
    HttpJob job = handler(exchange.request);
    return send(connection, job.run ? job.run([] { return true; }) : std::move(job.response), client);
  }
  if (!exchange.answered) {
    watch.enter(client, Client::Phase::work);
    if (workers->submit(exchange)) return MHD_YES;
    exchange.job.response = http_error(503, "too many requests wait; try again in a second");
    exchange.job.response.headers.emplace_back("Retry-After", "1");
  }
  return send(connection, std::move(exchange.job.response), client);
}

MHD_Result HttpServer::Impl::on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                                        const char*, const char* data, std::size_t* size, void** context) {
  Impl& server = *static_cast<Impl*>(self);
  Client* client = client_of(connection);
  try {
    if (*context == nullptr) {
      auto* exchange = new Exchange(server, connection, client);
      *context = exchange;
      exchange->address = address_of(connection);
      exchange->request.method = method;
      exchange->request.path = url;
      std::optional<HttpResponse> refusal =
          refuse_headers(connection, exchange->request, server.listener, server.limits);
      if (!refusal) return MHD_YES;
      // What follows on this connection may be the body of what is refused, or somebody's trick.
      refusal->headers.emplace_back("Connection", "close");
      return server.send(connection, std::move(*refusal), client);
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
