// Connections that take too long are shut down: the time is that of the whole request, whatever trickles in. And
// whoever asks and does not wait for the answer is noticed.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <thread>

namespace sluice::tool {

// One connection as the watch sees it.
struct Client {
  int socket = -1;
  enum class Phase { request, work, answer } phase = Phase::request;
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();  // in this phase
  bool dropped = false;
  std::atomic<bool> gone{false};  // closed its side while its request was at work
};

struct Patience {
  double request_seconds, answer_seconds;  // work has limits of its own
  std::size_t crowd;                       // with more connections than this, requests get a fifth of their time
};

class Watch {
 public:
  explicit Watch(const Patience& patience);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  Client* add(int socket);
  // Called before the socket is closed, so that its number cannot mean another one.
  void remove(Client* client);
  void enter(Client* client, Client::Phase phase);
  // Whether a request is at work or its answer on the way.
  bool busy();

 private:
  void run();

  const Patience patience_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Client> clients_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace sluice::tool
