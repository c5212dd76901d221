#include "signal.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "failure.hpp"

namespace deepmoe::command {
namespace {

std::atomic<int> signals_received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler must not lock");

struct sigaction previous_interrupt, previous_termination;

extern "C" void note_signal(int) {
  if (signals_received.fetch_add(1) > 0) _exit(interrupted);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  signals_received = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &previous_interrupt);
  sigaction(SIGTERM, &action, &previous_termination);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &previous_interrupt, nullptr);
  sigaction(SIGTERM, &previous_termination, nullptr);
}

bool InterruptGuard::requested() noexcept { return signals_received.load() > 0; }

}  // namespace deepmoe::command
