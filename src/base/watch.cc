#include "base/watch.h"

#include <utility>

namespace sluice {
namespace {

thread_local Watch* watching = nullptr;
thread_local bool heeded = false;

}  // namespace

Watch::Watch(std::function<bool()> go_on) : go_on_(std::move(go_on)), before_(std::exchange(watching, this)) {}
Watch::~Watch() { watching = before_; }

Watch::Heeded::Heeded() : before_(std::exchange(heeded, true)) {}
Watch::Heeded::~Heeded() { heeded = before_; }

void Watch::ask() {
  if (!heeded || watching == nullptr) return;
  if (!watching->stopped_) watching->stopped_ = !watching->go_on_();
  if (watching->stopped_) throw Stopped();
}

}  // namespace sluice
