/* R2: ends the process at the N-th call of one function, before it does anything, as kill -9 would there: WRIT_DIE_AT=fdatasync:12.
   Preloaded into writd; only what goes through the C library's own names is counted, which is all that writes files and sockets. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long left = -1;
static char which[16];

__attribute__((constructor)) static void read_order(void) {
  const char* order = getenv("WRIT_DIE_AT");
  const char* colon = order ? strchr(order, ':') : NULL;
  if (!colon || (size_t)(colon - order) >= sizeof which) return;
  memcpy(which, order, (size_t)(colon - order));
  left = atol(colon + 1);
}

static void called(const char* name) {
  if (strcmp(name, which) == 0 && atomic_fetch_sub(&left, 1) == 1) kill(getpid(), SIGKILL);
}

#define REAL(type, name, parameters)                                   \
  static type(*real) parameters;                                       \
  if (!real) *(void**)(&real) = dlsym(RTLD_NEXT, name);                \
  called(name)

int fdatasync(int file) {
  REAL(int, "fdatasync", (int));
  return real(file);
}
int fsync(int file) {
  REAL(int, "fsync", (int));
  return real(file);
}
ssize_t write(int file, const void* bytes, size_t size) {
  REAL(ssize_t, "write", (int, const void*, size_t));
  return real(file, bytes, size);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  REAL(ssize_t, "pwrite", (int, const void*, size_t, off_t));
  return real(file, bytes, size, at);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  REAL(ssize_t, "pwrite64", (int, const void*, size_t, off64_t));
  return real(file, bytes, size, at);
}
ssize_t sendmsg(int socket, const struct msghdr* message, int flags) {
  REAL(ssize_t, "sendmsg", (int, const struct msghdr*, int));
  return real(socket, message, flags);
}
int ftruncate(int file, off_t size) {
  REAL(int, "ftruncate", (int, off_t));
  return real(file, size);
}
int ftruncate64(int file, off64_t size) {
  REAL(int, "ftruncate64", (int, off64_t));
  return real(file, size);
}
int rename(const char* from, const char* to) {
  REAL(int, "rename", (const char*, const char*));
  return real(from, to);
}
