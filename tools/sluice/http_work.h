// The workers of the server. Clients take turns, however many requests one of them has in line, and long work never
// takes the last worker, so that a short question is answered at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::tool {

// What goes through the workers. Its last call, answer() or give_up(), may end its life.
class Task {
 public:
  virtual ~Task() = default;
  virtual const std::string& client() const = 0;
  virtual void enter() = 0;       // it will be worked on; comes before a worker sees it
  virtual bool understand() = 0;  // finds out what is asked; true: that takes long
  virtual void answer() = 0;      // does it
  virtual void give_up() = 0;     // there is no time left for it
};

// Those who wait, one after another of different clients.
class Turns {
 public:
  void push(Task* task);
  Task* pop();  // nullptr: nobody waits
  bool empty() const { return clients_.empty(); }
  std::size_t of(const std::string& client) const;

 private:
  std::list<std::pair<std::string, std::deque<Task*>>> clients_;  // the first is next
};

class Workers {
 public:
  // So many threads, or as many as there can be; `most` tasks wait at a time, `most_each` of one client. Throws Error
  // (failed) when not even one thread can be started.
  Workers(std::size_t count, std::size_t most, std::size_t most_each);
  ~Workers() { stop(0); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Whether it will be worked on.
  bool submit(Task& task);
  // Gives up those who wait, lets those at work go on for so long, then hurries them, and ends.
  void stop(double seconds);
  // Whether what is at work should end.
  bool hurry() const { return hurry_; }

 private:
  void work();
  Task* take(bool& is_long);

  const std::size_t most_, most_each_;
  std::mutex mutex_;
  std::condition_variable wake_, rest_;
  Turns new_, long_;
  std::size_t waiting_ = 0, working_ = 0, working_long_ = 0;
  bool stopping_ = false;
  std::atomic<bool> hurry_{false};
  std::vector<std::thread> threads_;
};

}  // namespace sluice::tool
