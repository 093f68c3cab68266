/* Lets every write to the files of one folder fail with the number that stands in a file, as long as it does.

   LD_PRELOAD=fault.so FAULT_FOLDER=/folder FAULT_NUMBER=/elsewhere/number program */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

static int fault_of(int fd) {
    const char *folder = getenv("FAULT_FOLDER");
    const char *number = getenv("FAULT_NUMBER");
    if (folder == NULL || number == NULL || access(number, F_OK) != 0) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return 0;
    char text[16] = {0};
    int file = REAL(open, number, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t got = read(file, text, sizeof text - 1);
    REAL(close, file);
    return got > 0 ? atoi(text) : 0;
}

#define FAILS(type, name, parameters, ...)        \
    type name parameters {                        \
        int fault = fault_of(fd);                 \
        if (fault) {                              \
            errno = fault;                        \
            return -1;                            \
        }                                         \
        return REAL(name, fd, ##__VA_ARGS__);     \
    }

FAILS(ssize_t, pwrite, (int fd, const void *data, size_t length, __off64_t offset), data, length, offset)
FAILS(ssize_t, pwrite64, (int fd, const void *data, size_t length, __off64_t offset), data, length, offset)
FAILS(ssize_t, pwritev, (int fd, const struct iovec *data, int count, __off64_t offset), data, count, offset)
FAILS(int, ftruncate, (int fd, __off64_t length), length)
FAILS(int, ftruncate64, (int fd, __off64_t length), length)
FAILS(int, fsync, (int fd))
FAILS(int, fdatasync, (int fd))

int posix_fallocate(int fd, __off64_t offset, __off64_t length) {
    int fault = fault_of(fd);
    return fault ? fault : REAL(posix_fallocate, fd, offset, length);
}
