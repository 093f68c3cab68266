/* Records what a process does to the files of one folder, in order: writes, truncations, syncs, removals.

   LD_PRELOAD=recorder.so POWER_FOLDER=/folder POWER_LOG=/elsewhere/log program

   A record: op (1 byte), length of the path (2), of the data (4), offset (8), the path, the data; little endian.
   A sync is recorded once it has returned. One lock keeps the records in the order of the calls. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define MOST_FILES 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[MOST_FILES];
static int out = -1;

#define REAL(name, ...) ((__typeof__(&name))real(#name))(__VA_ARGS__)

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

static const char *name_of(int fd) {
    return fd >= 0 && fd < MOST_FILES ? names[fd] : NULL;
}

static void put(const void *bytes, size_t length) {
    const char *next = bytes;
    while (length > 0) {
        ssize_t written = REAL(write, out, next, length);
        if (written <= 0) abort();
        next += written;
        length -= (size_t)written;
    }
}

static void record(char op, const char *name, int64_t offset, const void *data, uint32_t length) {
    if (out < 0) {
        const char *path = getenv("POWER_LOG");
        if (path == NULL) abort();
        out = REAL(open, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (out < 0) abort();
    }
    char head[15];
    uint16_t name_length = (uint16_t)strlen(name);
    head[0] = op;
    memcpy(head + 1, &name_length, 2);
    memcpy(head + 3, &length, 4);
    memcpy(head + 7, &offset, 8);
    put(head, sizeof head);
    put(name, name_length);
    if (length > 0) put(data, length);
}

static int known(int fd, const char *path) {
    const char *folder = getenv("POWER_FOLDER");
    if (fd >= 0 && fd < MOST_FILES && folder != NULL && strncmp(path, folder, strlen(folder)) == 0) {
        const char *shared = strstr(path, "-shm");
        if (shared == NULL) names[fd] = strdup(path);
    }
    return fd;
}

#define OPENS(name)                                       \
    int name(const char *path, int flags, ...) {          \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode_t mode = va_arg(rest, mode_t);               \
        va_end(rest);                                     \
        return known(REAL(name, path, flags, mode), path); \
    }

OPENS(open)
OPENS(open64)

int close(int fd) {
    if (name_of(fd) != NULL) {
        free(names[fd]);
        names[fd] = NULL;
    }
    return REAL(close, fd);
}

ssize_t write(int fd, const void *data, size_t length) {
    if (name_of(fd) == NULL) return REAL(write, fd, data, length);
    pthread_mutex_lock(&lock);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = REAL(write, fd, data, length);
    if (written > 0) record('w', names[fd], offset, data, (uint32_t)written);
    pthread_mutex_unlock(&lock);
    return written;
}

#define WRITES(name)                                                                     \
    ssize_t name(int fd, const void *data, size_t length, __off64_t offset) {            \
        if (name_of(fd) == NULL) return REAL(name, fd, data, length, offset);            \
        pthread_mutex_lock(&lock);                                                       \
        ssize_t written = REAL(name, fd, data, length, offset);                          \
        if (written > 0) record('w', names[fd], offset, data, (uint32_t)written);        \
        pthread_mutex_unlock(&lock);                                                     \
        return written;                                                                  \
    }

WRITES(pwrite)
WRITES(pwrite64)

#define TRUNCATES(name)                                            \
    int name(int fd, __off64_t length) {                           \
        if (name_of(fd) == NULL) return REAL(name, fd, length);    \
        pthread_mutex_lock(&lock);                                 \
        int failed = REAL(name, fd, length);                       \
        if (!failed) record('t', names[fd], length, NULL, 0);      \
        pthread_mutex_unlock(&lock);                               \
        return failed;                                             \
    }

TRUNCATES(ftruncate)
TRUNCATES(ftruncate64)

#define SYNCS(name)                                          \
    int name(int fd) {                                       \
        if (name_of(fd) == NULL) return REAL(name, fd);      \
        pthread_mutex_lock(&lock);                           \
        int failed = REAL(name, fd);                         \
        if (!failed) record('s', names[fd], 0, NULL, 0);     \
        pthread_mutex_unlock(&lock);                         \
        return failed;                                       \
    }

SYNCS(fsync)
SYNCS(fdatasync)

int unlink(const char *path) {
    const char *folder = getenv("POWER_FOLDER");
    if (folder == NULL || strncmp(path, folder, strlen(folder)) != 0) return REAL(unlink, path);
    pthread_mutex_lock(&lock);
    int failed = REAL(unlink, path);
    if (!failed) record('u', path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return failed;
}
