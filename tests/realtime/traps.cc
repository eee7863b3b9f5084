#include "realtime/traps.h"

#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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

void count_memory() {
  if (armed) ++trapped.memory;
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

void* malloc(std::size_t n) noexcept {
  count_memory();
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  count_memory();
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) noexcept {
  count_memory();
  return __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  count_memory();
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  count_memory();
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  count_memory();
  *p = __libc_memalign(alignment, n);
  return *p == nullptr ? ENOMEM : 0;
}
void free(void* p) noexcept {
  count_memory();
  __libc_free(p);
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
