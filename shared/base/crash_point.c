// crash_point - see the header.

#include "shared/base/crash_point.h"

#ifdef ZPULSE_CRASH_POINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (CRASH_POINT_COUNT * sizeof(_Atomic uint64_t))

static const char *const s_names[CRASH_POINT_COUNT] = {
#define CRASH_POINT_NAME(name) [CRASH_##name] = #name,
    CRASH_POINTS(CRASH_POINT_NAME)
#undef CRASH_POINT_NAME
};

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static atomic_ulong s_passed[CRASH_POINT_COUNT]; // by this process
static unsigned long s_at[CRASH_POINT_COUNT];    // where it ends; 0: nowhere
static _Atomic uint64_t *s_seen;                 // by all; NULL: nobody asks

static _Noreturn void
s_refuse(const char *what, const char *value)
{
    fprintf(stderr, "crash points: %s: %s\n", what, value);
    abort();
}

static void
s_read(void)
{
    const char *at = getenv("ZPULSE_CRASH_AT");
    const char *seen = getenv("ZPULSE_CRASH_SEEN");

    if (at != NULL) {
        const size_t len = strcspn(at, ":");
        unsigned i = 0;

        while (i < CRASH_POINT_COUNT &&
               (strlen(s_names[i]) != len || strncmp(s_names[i], at, len) != 0))
            i++;
        if (i == CRASH_POINT_COUNT || at[len] != ':' || strtoul(at + len + 1, NULL, 10) == 0)
            s_refuse("ZPULSE_CRASH_AT is NAME:N", at);
        s_at[i] = strtoul(at + len + 1, NULL, 10);
    }
    if (seen != NULL) {
        const int fd = open(seen, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        if (fd == -1 || ftruncate(fd, (off_t) SIZE) == -1)
            s_refuse("ZPULSE_CRASH_SEEN can not be written", seen);
        s_seen = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (s_seen == MAP_FAILED)
            s_refuse("ZPULSE_CRASH_SEEN can not be mapped", seen);
        close(fd);
    }
}

void
crash_point_pass(enum crash_point point)
{
    pthread_once(&s_once, s_read);
    if (s_seen != NULL)
        atomic_fetch_add(&s_seen[point], 1);
    if (atomic_fetch_add(&s_passed[point], 1) + 1 == s_at[point])
        (void) kill(getpid(), SIGKILL);
}

#endif
