// small_disk - a file system that can be filled, for tests of what a full disk does.
//
// A tmpfs in a mount namespace of this process alone: needs root, or a kernel that lets anybody
// have namespaces. Where neither is so, a limit on the size of files stands in for it: nothing can
// grow past the limit then, which also ends what was preallocated.
// Thread: call small_disk_enter before the first thread.

#ifndef TESTS_SUPPORT_SMALL_DISK_H
#define TESTS_SUPPORT_SMALL_DISK_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#define SMALL_DISK_FILLER "/.filler"

static inline void
small_disk_say(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd == -1)
        return;
    (void) !write(fd, text, strlen(text));
    close(fd);
}

// A namespace of our own, as root or as anybody.
static inline bool
small_disk_unshare(void)
{
    char map[64];
    const uid_t uid = getuid();
    const gid_t gid = getgid();

    if (unshare(CLONE_NEWNS) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
        return false;
    small_disk_say("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    small_disk_say("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    small_disk_say("/proc/self/gid_map", map);
    return true;
}

// Mounts one of `bytes` over the folder `dir`, which is there. False: it can't be had here; all of
// the functions below work then by the limit alone.
static inline bool
small_disk_enter(const char *dir, size_t bytes)
{
    char options[64];

    signal(SIGXFSZ, SIG_IGN);
    snprintf(options, sizeof options, "size=%zu,mode=0700", bytes);
    return small_disk_unshare() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", dir, "tmpfs", 0, options) == 0;
}

// No room for anything new, however small. With `by_limit` no file can be written to, or grow,
// from byte `most` on.
static inline void
small_disk_fill(const char *dir, bool by_limit, size_t most)
{
    char path[256];
    char bytes[4096] = { 1 };
    int fd;

    if (by_limit) {
        struct rlimit limit;

        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = most;
        setrlimit(RLIMIT_FSIZE, &limit);
        return;
    }
    snprintf(path, sizeof path, "%s" SMALL_DISK_FILLER, dir);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (fd != -1 && write(fd, bytes, sizeof bytes) > 0)
        ;
    close(fd);
}

static inline void
small_disk_free(const char *dir)
{
    char path[256];
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    snprintf(path, sizeof path, "%s" SMALL_DISK_FILLER, dir);
    unlink(path);
}

#endif
