// Long work that may be given up in the middle: between pieces of some milliseconds it asks whether to go on.
#pragma once

#include <functional>

namespace sluice {

// Thrown by Watch::ask(), and caught by whoever made the Watch::Heeded. It passes through public functions of the
// library too, but only through those that were called under one.
struct Stopped {};

// While it lives, work on this thread asks it, and none that was made before.
class Watch {
 public:
  // go_on: called often, so it should be quick; once it was false it is not called again.
  explicit Watch(std::function<bool()> go_on);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // While it lives, work on this thread may be given up.
  class Heeded {
   public:
    Heeded();
    ~Heeded();
    Heeded(const Heeded&) = delete;
    Heeded& operator=(const Heeded&) = delete;

   private:
    bool before_;
  };

  // On the thread that has called for the work, while no other thread is at it. Throws Stopped where the work may be
  // given up and the watch says so.
  static void ask();

 private:
  std::function<bool()> go_on_;
  bool stopped_ = false;
  Watch* before_;
};

}  // namespace sluice
