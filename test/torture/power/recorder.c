/*
 * Loaded into a process with LD_PRELOAD: notes every operation that changes files below a folder, in the order in which it
 * happened, so that crash-model.ts can tell what a power failure may have left of them.
 *
 *   RECORD_ROOT     the folder, absolute
 *   RECORD_LOG      the file that records are appended to; RECORD_LOG.lock orders those of several processes
 *   RECORD_SYNC_US  how long a sync takes, in microseconds; nothing is forced to the real disk
 *
 * A record: u32 bytes of all of it | u8 operation | u8 flag | u16 bytes of the first path | u16 of the second | u16 0 |
 * u64 nanoseconds of CLOCK_MONOTONIC | u64 inode | u64 number | paths | data. All little endian.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum operation { CREATE = 1, WRITE, RESIZE, RENAME, LINK, UNLINK, FOLDER, SYNC_BEGIN, SYNC_FILE, SYNC_FOLDER };

struct head {
  uint32_t bytes;
  uint8_t operation, flag;
  uint16_t pathBytes, secondBytes, none;
  uint64_t time, inode, number;
};

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static char root[PATH_MAX];
static int logFile = -1, lockFile = -1;
static useconds_t syncTime;
static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

/* Out of the way of descriptors that a program counts on. */
static int openHigh(const char *path, int flags) {
  int fd = REAL(open)(path, flags | O_CLOEXEC, 0600);
  int high = fcntl(fd, F_DUPFD_CLOEXEC, 500);
  close(fd);
  return high;
}

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("RECORD_ROOT"), *log = getenv("RECORD_LOG"), *us = getenv("RECORD_SYNC_US");
  if (folder == NULL || log == NULL) return;
  char lock[PATH_MAX];
  snprintf(lock, sizeof lock, "%s.lock", log);
  logFile = openHigh(log, O_WRONLY | O_CREAT | O_APPEND);
  lockFile = openHigh(lock, O_RDWR | O_CREAT);
  syncTime = us == NULL ? 0 : atoi(us);
  snprintf(root, sizeof root, "%s/", folder);
}

/* A signal handler may come here within: what it does is noted within, too. */
static int enter(void) {
  int isInner = pthread_mutex_lock(&mutex) == EDEADLK;
  if (!isInner) while (flock(lockFile, LOCK_EX) != 0 && errno == EINTR);
  return isInner;
}

static void leave(int isInner) {
  if (isInner) return;
  int error = errno;
  flock(lockFile, LOCK_UN);
  pthread_mutex_unlock(&mutex);
  errno = error;
}

static void note(enum operation operation, int flag, uint64_t inode, uint64_t number, const char *path,
                 const char *second, const struct iovec *data, int pieces) {
  int error = errno;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct head head = {.operation = operation, .flag = flag, .inode = inode, .number = number,
                      .pathBytes = path == NULL ? 0 : strlen(path), .secondBytes = second == NULL ? 0 : strlen(second),
                      .time = now.tv_sec * 1000000000ull + now.tv_nsec};
  size_t bytes = 0;
  for (int at = 0; at < pieces; at++) bytes += data[at].iov_len;
  head.bytes = sizeof head + head.pathBytes + head.secondBytes + bytes;
  char *record = malloc(head.bytes), *to = record;
  to = mempcpy(to, &head, sizeof head);
  to = mempcpy(to, path, head.pathBytes);
  to = mempcpy(to, second, head.secondBytes);
  for (int at = 0; at < pieces; at++) to = mempcpy(to, data[at].iov_base, data[at].iov_len);
  for (char *from = record; from < to;) {
    ssize_t written = REAL(write)(logFile, from, to - from);
    if (written < 0 && errno != EINTR) abort();
    if (written > 0) from += written;
  }
  free(record);
  errno = error;
}

/* The absolute path when it is below the root, else NULL. */
static const char *below(int folder, const char *path, char *out) {
  if (logFile < 0 || path == NULL) return NULL;
  if (path[0] == '/') {
    snprintf(out, PATH_MAX, "%s", path);
  } else {
    char link[64], at[PATH_MAX] = "";
    if (folder == AT_FDCWD) {
      if (getcwd(at, sizeof at) == NULL) return NULL;
    } else {
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      if (readlink(link, at, sizeof at - 1) < 0) return NULL;
    }
    if (snprintf(out, PATH_MAX, "%s/%s", at, path) >= PATH_MAX) return NULL;
  }
  return strncmp(out, root, strlen(root)) == 0 ? out : NULL;
}

static int isFile(int fd, struct stat *found) {
  return logFile >= 0 && fd != logFile && fstat(fd, found) == 0 && S_ISREG(found->st_mode);
}

static void noteMade(int fd, const char *path, int isNew, int isEmptied) {
  struct stat found;
  if (fd < 0 || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return;
  if (isNew) note(CREATE, 0, found.st_ino, 0, path, NULL, NULL, 0);
  else if (isEmptied) note(RESIZE, 0, found.st_ino, 0, NULL, NULL, NULL, 0);
}

static int openNoted(int folder, const char *path, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  const char *noted = flags & (O_CREAT | O_TRUNC) ? below(folder, path, buffer) : NULL;
  if (noted == NULL) return REAL(openat)(folder, path, flags, mode);
  int inner = enter();
  int isNew = faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
  int fd = REAL(openat)(folder, path, flags, mode);
  noteMade(fd, noted, isNew, flags & O_TRUNC);
  leave(inner);
  return fd;
}

#define MODE(last) \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) { MODE(flags) return openNoted(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return openNoted(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return openNoted(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return openNoted(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return openNoted(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static int madeFrom(int fd, const char *template) {
  char buffer[PATH_MAX];
  const char *noted = below(AT_FDCWD, template, buffer);
  if (noted == NULL || fd < 0) return fd;
  int inner = enter();
  noteMade(fd, noted, 1, 0);
  leave(inner);
  return fd;
}
int mkstemp(char *template) { return madeFrom(REAL(mkstemp)(template), template); }
int mkstemp64(char *template) { return madeFrom(REAL(mkstemp)(template), template); }
int mkostemp(char *template, int flags) { return madeFrom(REAL(mkostemp)(template, flags), template); }

#define AT_POSITION -1
static ssize_t writeNoted(int fd, const struct iovec *data, int pieces, off_t offset) {
  struct stat found;
  if (!isFile(fd, &found)) {
    if (offset != AT_POSITION) return REAL(pwritev)(fd, data, pieces, offset);
    return pieces == 1 ? REAL(write)(fd, data->iov_base, data->iov_len) : REAL(writev)(fd, data, pieces);
  }
  int inner = enter();
  fstat(fd, &found);
  off_t at = fcntl(fd, F_GETFL) & O_APPEND ? found.st_size : offset == AT_POSITION ? lseek(fd, 0, SEEK_CUR) : offset;
  ssize_t written = offset == AT_POSITION ? REAL(writev)(fd, data, pieces) : REAL(pwritev)(fd, data, pieces, offset);
  size_t left = written < 0 ? 0 : written;
  for (int piece = 0; left > 0; piece++) {
    struct iovec part = {data[piece].iov_base, data[piece].iov_len < left ? data[piece].iov_len : left};
    note(WRITE, 0, found.st_ino, at, NULL, NULL, &part, 1);
    at += part.iov_len;
    left -= part.iov_len;
  }
  leave(inner);
  return written;
}
ssize_t write(int fd, const void *data, size_t bytes) {
  return writeNoted(fd, &(struct iovec){(void *)data, bytes}, 1, AT_POSITION);
}
ssize_t writev(int fd, const struct iovec *data, int pieces) { return writeNoted(fd, data, pieces, AT_POSITION); }
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
  return writeNoted(fd, &(struct iovec){(void *)data, bytes}, 1, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t offset) { return pwrite(fd, data, bytes, offset); }
ssize_t pwritev(int fd, const struct iovec *data, int pieces, off_t offset) { return writeNoted(fd, data, pieces, offset); }
ssize_t pwritev64(int fd, const struct iovec *data, int pieces, off_t offset) { return writeNoted(fd, data, pieces, offset); }

/* Descriptors of streams: how much of their file was noted, and 1; 0 for those that are of none. */
static off_t streamed[65536];

/* What was added to a file since a length, where it was written to by the C library itself; all of it from 0. */
static void noteAdded(int fd, off_t since) {
  struct stat found;
  char path[64], name[PATH_MAX] = "";
  if (!isFile(fd, &found)) return;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (readlink(path, name, sizeof name - 1) < 0 || strncmp(name, root, strlen(root)) != 0) return;
  int inner = enter();
  int file = REAL(open)(path, O_RDONLY | O_CLOEXEC);
  fstat(fd, &found);
  if (found.st_size > since) {
    char *bytes = malloc(found.st_size - since);
    ssize_t length = pread(file, bytes, found.st_size - since, since);
    if (length > 0) note(WRITE, 0, found.st_ino, since, NULL, NULL, &(struct iovec){bytes, length}, 1);
    free(bytes);
    if (fd < 65536 && streamed[fd] > 0) streamed[fd] = found.st_size + 1;
  }
  close(file);
  leave(inner);
}

/* What a stream of a descriptor has written since it was noted last. */
static void noteStream(int fd) {
  if (fd > 2 && fd < 65536 && streamed[fd] > 0) noteAdded(fd, streamed[fd] - 1);
}

static FILE *begunStream(FILE *stream) {
  struct stat found;
  int fd = stream == NULL ? -1 : fileno(stream);
  if (fd > 2 && fd < 65536 && isFile(fd, &found) && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
    streamed[fd] = found.st_size + 1;
  return stream;
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t bytes) {
  ssize_t sent = REAL(sendfile64)(to, from, offset, bytes);
  if (sent > 0) noteAdded(to, 0);
  return sent;
}
ssize_t sendfile(int to, int from, off_t *offset, size_t bytes) { return sendfile64(to, from, offset, bytes); }
int fflush(FILE *stream) {
  int result = REAL(fflush)(stream);
  if (stream != NULL) noteStream(fileno(stream));
  return result;
}
int fflush_unlocked(FILE *stream) { return fflush(stream); }
int fclose(FILE *stream) {
  int fd = fileno(stream);
  fflush(stream);
  if (fd >= 0 && fd < 65536) streamed[fd] = 0;
  return REAL(fclose)(stream);
}
FILE *fdopen(int fd, const char *mode) { return begunStream(REAL(fdopen)(fd, mode)); }
static FILE *openedNoted(const char *path, const char *mode) {
  char buffer[PATH_MAX];
  const char *noted = mode[0] == 'r' ? NULL : below(AT_FDCWD, path, buffer);
  if (noted == NULL) return begunStream(REAL(fopen)(path, mode));
  int inner = enter();
  int isNew = access(path, F_OK) != 0;
  FILE *stream = REAL(fopen)(path, mode);
  if (stream != NULL) noteMade(fileno(stream), noted, isNew, mode[0] == 'w');
  leave(inner);
  return begunStream(stream);
}
FILE *fopen(const char *path, const char *mode) { return openedNoted(path, mode); }
FILE *fopen64(const char *path, const char *mode) { return openedNoted(path, mode); }

int ftruncate(int fd, off_t size) {
  struct stat found;
  if (!isFile(fd, &found)) return REAL(ftruncate)(fd, size);
  int inner = enter();
  int result = REAL(ftruncate)(fd, size);
  if (result == 0) note(RESIZE, 0, found.st_ino, size, NULL, NULL, NULL, 0);
  leave(inner);
  return result;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

static int syncNoted(int fd) {
  struct stat found;
  if (logFile < 0 || fstat(fd, &found) != 0) return 0;
  char path[64], folder[PATH_MAX] = "";
  if (S_ISDIR(found.st_mode)) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (readlink(path, folder, sizeof folder - 1) < 0) return -1;
    /* So that the root itself counts as below. */
    strncat(folder, "/", sizeof folder - strlen(folder) - 1);
    if (strncmp(folder, root, strlen(root)) != 0) return 0;
  } else if (!S_ISREG(found.st_mode)) return 0;
  noteStream(fd);
  static uint32_t count;
  uint64_t which = (uint64_t)getpid() << 32 | __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  int inner = enter();
  note(SYNC_BEGIN, 0, found.st_ino, which, NULL, NULL, NULL, 0);
  leave(inner);
  if (syncTime > 0) usleep(syncTime);
  inner = enter();
  note(S_ISDIR(found.st_mode) ? SYNC_FOLDER : SYNC_FILE, 0, found.st_ino, which, folder, NULL, NULL, 0);
  leave(inner);
  return 0;
}
int fsync(int fd) { return syncNoted(fd); }
int fdatasync(int fd) { return syncNoted(fd); }

static int renameNoted(int from, const char *path, int to, const char *second, unsigned flags) {
  char a[PATH_MAX], b[PATH_MAX];
  if (below(from, path, a) == NULL || below(to, second, b) == NULL) return REAL(renameat2)(from, path, to, second, flags);
  int inner = enter();
  int result = REAL(renameat2)(from, path, to, second, flags);
  if (result == 0) note(RENAME, 0, 0, 0, a, b, NULL, 0);
  leave(inner);
  return result;
}
int rename(const char *path, const char *second) { return renameNoted(AT_FDCWD, path, AT_FDCWD, second, 0); }
int renameat(int from, const char *path, int to, const char *second) { return renameNoted(from, path, to, second, 0); }
int renameat2(int from, const char *path, int to, const char *second, unsigned flags) {
  return renameNoted(from, path, to, second, flags);
}

static int linkNoted(int from, const char *path, int to, const char *second, int flags) {
  char a[PATH_MAX], b[PATH_MAX];
  if (below(from, path, a) == NULL || below(to, second, b) == NULL) return REAL(linkat)(from, path, to, second, flags);
  int inner = enter();
  int result = REAL(linkat)(from, path, to, second, flags);
  if (result == 0) note(LINK, 0, 0, 0, a, b, NULL, 0);
  leave(inner);
  return result;
}
int link(const char *path, const char *second) { return linkNoted(AT_FDCWD, path, AT_FDCWD, second, 0); }
int linkat(int from, const char *path, int to, const char *second, int flags) { return linkNoted(from, path, to, second, flags); }

static int unlinkNoted(int folder, const char *path, int flags) {
  char a[PATH_MAX];
  if (below(folder, path, a) == NULL) return REAL(unlinkat)(folder, path, flags);
  int inner = enter();
  int result = REAL(unlinkat)(folder, path, flags);
  if (result == 0) note(UNLINK, 0, 0, 0, a, NULL, NULL, 0);
  leave(inner);
  return result;
}
int unlink(const char *path) { return unlinkNoted(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return unlinkNoted(folder, path, flags); }
int rmdir(const char *path) { return unlinkNoted(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) { return unlink(path) == 0 ? 0 : errno == EISDIR ? rmdir(path) : -1; }

static int folderNoted(int folder, const char *path, mode_t mode) {
  char a[PATH_MAX];
  if (below(folder, path, a) == NULL) return REAL(mkdirat)(folder, path, mode);
  int inner = enter();
  int result = REAL(mkdirat)(folder, path, mode);
  if (result == 0) note(FOLDER, 0, 0, 0, a, NULL, NULL, 0);
  leave(inner);
  return result;
}
int mkdir(const char *path, mode_t mode) { return folderNoted(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { return folderNoted(folder, path, mode); }
char *mkdtemp(char *template) {
  char a[PATH_MAX];
  char *made = REAL(mkdtemp)(template);
  if (made == NULL || below(AT_FDCWD, made, a) == NULL) return made;
  int inner = enter();
  note(FOLDER, 0, 0, 0, a, NULL, NULL, 0);
  leave(inner);
  return made;
}
