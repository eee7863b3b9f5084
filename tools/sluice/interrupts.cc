#include "interrupts.h"

namespace sluice::tool {
namespace {

volatile std::sig_atomic_t noted = 0;

extern "C" void note(int number) { noted = number; }

}  // namespace

Interrupts::Interrupts() {
  noted = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  for (int i = 0; i < 3; ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);  // nohup, background jobs
  }
}

Interrupts::~Interrupts() {
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

bool Interrupts::go_on() const { return noted == 0; }

int Interrupts::exit_code() const { return noted == 0 ? 0 : 128 + noted; }

const char* Interrupts::name() const { return noted == SIGTERM ? "SIGTERM" : noted == SIGHUP ? "SIGHUP" : "SIGINT"; }

}  // namespace sluice::tool
