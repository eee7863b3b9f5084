#include "http_work.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "sluice/error.h"

namespace sluice::tool {

void Turns::push(Task* task) {
  const std::string& client = task->client();
  auto found = std::find_if(clients_.begin(), clients_.end(), [&](const auto& c) { return c.first == client; });
  if (found == clients_.end()) found = clients_.insert(clients_.end(), {client, {}});
  found->second.push_back(task);
}

Task* Turns::pop() {
  if (clients_.empty()) return nullptr;
  std::deque<Task*>& first = clients_.front().second;
  Task* task = first.front();
  first.pop_front();
  if (first.empty()) {
    clients_.pop_front();
  } else {
    clients_.splice(clients_.end(), clients_, clients_.begin());
  }
  return task;
}

std::size_t Turns::of(const std::string& client) const {
  const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const auto& c) { return c.first == client; });
  return found == clients_.end() ? 0 : found->second.size();
}

Workers::Workers(std::size_t count, std::size_t most, std::size_t most_each) : most_(most), most_each_(most_each) {
  const std::lock_guard lock(mutex_);
  try {
    while (threads_.size() < count) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw Error(Status::failed, "the HTTP server cannot start a thread");
  }
}

bool Workers::submit(Task& task) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_ >= most_ || new_.of(task.client()) + long_.of(task.client()) >= most_each_) return false;
  task.enter();
  new_.push(&task);
  ++waiting_;
  wake_.notify_one();
  return true;
}

// One worker is left for what is short; the others see to long work first, so that it is not put off for ever. A worker
// that is alone does what is short first.
Task* Workers::take(bool& is_long) {
  const bool free = threads_.size() > 1 ? working_long_ + 1 < threads_.size() : new_.empty();
  is_long = !long_.empty() && free;
  return is_long ? long_.pop() : new_.pop();
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    bool is_long = false;
    Task* task = nullptr;
    wake_.wait(lock, [&] { return (task = take(is_long)) != nullptr || stopping_; });
    if (task == nullptr) return;
    --waiting_;
    ++working_;
    working_long_ += is_long ? 1 : 0;
    lock.unlock();
    if (!is_long && task->understand()) {
      lock.lock();
      --working_;
      if (!stopping_) {
        long_.push(task);
        ++waiting_;
        wake_.notify_one();
        continue;
      }
      lock.unlock();
      task->give_up();
      lock.lock();
      continue;
    }
    task->answer();
    lock.lock();
    --working_;
    working_long_ -= is_long ? 1 : 0;
    wake_.notify_one();  // long work may have waited for this one to end
    rest_.notify_all();
  }
}

void Workers::stop(double seconds) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    while (Task* task = new_.empty() ? long_.pop() : new_.pop()) task->give_up();
    waiting_ = 0;
    wake_.notify_all();
    rest_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return working_ == 0; });
  }
  hurry_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace sluice::tool
