#include "realtime/traps.h"

#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

// The C library's own, under their second names.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

thread_local bool armed = false;
thread_local sluice::test::Trapped trapped;

thread_local bool counting = false;
thread_local std::uint64_t fails_at = 0;  // 0: none
thread_local bool fails_forever = false;
thread_local sluice::test::MemoryUse use;

std::atomic<int> threads_left{-1};  // -1: any number

void count_memory() {
  if (armed) ++trapped.memory;
}

std::atomic<std::size_t> largest{~std::size_t{0}};

bool refuse() {
  errno = ENOMEM;
  return false;
}

// Memory is asked for; false: it must not be given.
bool ask(std::size_t bytes) {
  count_memory();
  if (bytes > largest) return refuse();
  if (!counting) return true;
  ++use.asked;
  if (fails_at == 0 || use.asked < fails_at || (use.asked > fails_at && !fails_forever)) return true;
  ++use.refused;
  return refuse();
}

void* given(void* p) {
  if (counting && p != nullptr) ++use.kept;
  return p;
}

void count_lock() {
  if (armed) ++trapped.locks;
}

// The function of that name that this program hides.
template <class F>
F hidden(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* malloc(std::size_t n) noexcept { return ask(n) ? given(__libc_malloc(n)) : nullptr; }
void* calloc(std::size_t n, std::size_t size) noexcept {
  return ask(n * size) ? given(__libc_calloc(n, size)) : nullptr;
}
void* realloc(void* p, std::size_t n) noexcept {
  if (!ask(n)) return nullptr;
  void* moved = __libc_realloc(p, n);
  return p == nullptr ? given(moved) : moved;
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  return ask(n) ? given(__libc_memalign(alignment, n)) : nullptr;
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept { return memalign(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  *p = memalign(alignment, n);
  return *p == nullptr ? ENOMEM : 0;
}
void free(void* p) noexcept {
  count_memory();
  if (counting && p != nullptr) --use.kept;
  __libc_free(p);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  static const auto real =
      hidden<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  if (threads_left == 0) return EAGAIN;
  if (threads_left > 0) --threads_left;
  return real(thread, attributes, body, argument);
}

#define SLUICE_TRAP(name, type, except)                     \
  int name(type* lock) except {                             \
    static const auto real = hidden<int (*)(type*)>(#name); \
    count_lock();                                           \
    return real(lock);                                      \
  }
SLUICE_TRAP(pthread_mutex_lock, pthread_mutex_t, noexcept)
SLUICE_TRAP(pthread_mutex_trylock, pthread_mutex_t, noexcept)
SLUICE_TRAP(pthread_mutex_unlock, pthread_mutex_t, noexcept)
SLUICE_TRAP(pthread_rwlock_rdlock, pthread_rwlock_t, noexcept)
SLUICE_TRAP(pthread_rwlock_wrlock, pthread_rwlock_t, noexcept)
SLUICE_TRAP(pthread_rwlock_unlock, pthread_rwlock_t, noexcept)
SLUICE_TRAP(pthread_spin_lock, pthread_spinlock_t, noexcept)
SLUICE_TRAP(pthread_cond_signal, pthread_cond_t, noexcept)
SLUICE_TRAP(pthread_cond_broadcast, pthread_cond_t, noexcept)
SLUICE_TRAP(sem_wait, sem_t, )
SLUICE_TRAP(sem_post, sem_t, noexcept)
#undef SLUICE_TRAP

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static const auto real = hidden<int (*)(pthread_cond_t*, pthread_mutex_t*)>("pthread_cond_wait");
  count_lock();
  return real(condition, mutex);
}

}  // extern "C"

namespace sluice::test {

void arm_traps() {
  trapped = {};
  armed = true;
}

Trapped disarm_traps() {
  armed = false;
  return trapped;
}

void count_use(std::uint64_t fail_at, bool forever) {
  use = {};
  fails_at = fail_at;
  fails_forever = forever;
  counting = true;
}

MemoryUse stop_counting() {
  counting = false;
  return use;
}

void refuse_larger(std::size_t bytes) { largest = bytes; }

void allow_threads(int most) { threads_left = most; }

bool forbid_system_calls() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {static_cast<unsigned short>(sizeof program / sizeof *program), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace sluice::test
