#include "http_watch.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace sluice::tool {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Whether the other end of a connection is closed, in one direction at least: the library does not look while a request
// is at work.
bool has_left(int socket) {
  pollfd one{socket, POLLRDHUP, 0};
  return poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace

Watch::Watch(const Patience& patience) : patience_(patience), thread_([this] { run(); }) {}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Client* Watch::add(int socket) {
  const std::lock_guard lock(mutex_);
  Client& client = clients_.emplace_back();
  client.socket = socket;
  return &client;
}

void Watch::remove(Client* client) {
  const std::lock_guard lock(mutex_);
  clients_.remove_if([client](const Client& c) { return &c == client; });
}

void Watch::enter(Client* client, Client::Phase phase) {
  const std::lock_guard lock(mutex_);
  client->phase = phase;
  client->since = Clock::now();
}

bool Watch::busy() {
  const std::lock_guard lock(mutex_);
  return std::any_of(clients_.begin(), clients_.end(),
                     [](const Client& c) { return c.phase != Client::Phase::request && !c.dropped; });
}

void Watch::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::milliseconds(100), [this] { return stop_; })) {
    // When places run out, the slow have to go sooner.
    const double for_request = patience_.request_seconds / (clients_.size() > patience_.crowd ? 5 : 1);
    for (Client& client : clients_) {
      if (client.phase == Client::Phase::work && !client.gone) client.gone = has_left(client.socket);
      if (client.phase == Client::Phase::work || client.dropped) continue;
      const double most = client.phase == Client::Phase::request ? for_request : patience_.answer_seconds;
      if (seconds_since(client.since) < most) continue;
      client.dropped = true;
      shutdown(client.socket, SHUT_RDWR);
    }
  }
}

}  // namespace sluice::tool
