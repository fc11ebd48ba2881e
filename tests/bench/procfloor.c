// procfloor - what the kernel alone costs an agent: read the files that all its families read each
// second, do nothing else.
//
// usage: procfloor SECONDS
// Out:   one line, `floor_us_per_s=N`: CPU time of the whole process a second, in microseconds,
//        timer and wake-up included. The same files, the same way, the same cadence as the agent,
//        so those that it reads each 5 s are read each 5 s: to read more would make the floor
//        higher than it is. A loop without pauses would find the files in the cache and cost a
//        third.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000L
#define SHORT    2048 // bytes; as agent/proc/proc_root.c has it

static const struct {
    const char *path;
    int every_s;      // between two reads, as the agent has it
    const char *last; // the line behind which it reads no more; NULL: it reads all
} files[] = {
    { "/proc/stat", 1, NULL },
    { "/proc/meminfo", 1, NULL },
    { "/proc/loadavg", 1, NULL },
    { "/proc/vmstat", 1, "\noom_kill " },
    { "/proc/pressure/cpu", 1, NULL },
    { "/proc/pressure/io", 1, NULL },
    { "/proc/pressure/memory", 1, NULL },
    { "/proc/pressure/irq", 1, NULL },
    { "/proc/diskstats", 1, NULL },
    { "/proc/sys/fs/file-nr", 5, NULL },
    { "/proc/net/dev", 1, NULL },
    { "/proc/net/netstat", 5, NULL },
    { "/proc/net/snmp", 1, NULL },
    { "/proc/net/snmp6", 5, NULL },
    { "/proc/net/sockstat", 1, NULL },
    { "/proc/net/sockstat6", 5, NULL },
    { "/proc/net/softnet_stat", 1, NULL },
};
#define N_FILES (sizeof files / sizeof files[0])

static char bytes[256 * 1024];

// The whole file, as the agent reads it: until a read gives nothing more, but for short ones.
static void
s_read(int fd, size_t head)
{
    off_t at = 0;
    ssize_t n;

    if (head > 0) {
        (void) !pread(fd, bytes, head, 0);
        return;
    }
    while ((n = pread(fd, bytes, sizeof bytes, at)) > 0) {
        at += n;
        if (at < SHORT)
            break;
    }
}

// Bytes up to there, with the agent's slack (agent/proc/vmstat.c); 0: all.
static size_t
s_head(int fd, const char *last)
{
    const ssize_t n = last != NULL ? pread(fd, bytes, sizeof bytes - 1, 0) : -1;
    const char *at, *end;

    bytes[n > 0 ? n : 0] = '\0';
    at = n > 0 ? strstr(bytes, last) : NULL;
    end = at != NULL ? strchr(at + 1, '\n') : NULL;
    return end != NULL ? (size_t) (end - bytes) + 1 + 64 : 0;
}

static double
s_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

int
main(int argc, char **argv)
{
    const int seconds = argc == 2 ? atoi(argv[1]) : 0;
    struct timespec next;
    int fds[N_FILES];
    size_t heads[N_FILES];
    double start;

    if (seconds <= 0) {
        fprintf(stderr, "usage: procfloor SECONDS\n");
        return 2;
    }
    for (size_t i = 0; i < N_FILES; i++) {
        // One that this kernel lacks costs the agent nothing either.
        fds[i] = open(files[i].path, O_RDONLY | O_CLOEXEC);
        heads[i] = s_head(fds[i], files[i].last);
    }
    clock_gettime(CLOCK_MONOTONIC, &next);
    // Half a second off a whole one, where the rest of the machine likes to wake up.
    next.tv_nsec = (next.tv_nsec + NS_PER_S / 2) % NS_PER_S;
    start = s_cpu_us();
    for (int i = 0; i < seconds; i++) {
        next.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        for (size_t f = 0; f < N_FILES; f++)
            if (fds[f] != -1 && (i + (int) f) % files[f].every_s == 0)
                s_read(fds[f], heads[f]);
    }
    printf("floor_us_per_s=%.1f\n", (s_cpu_us() - start) / seconds);
    return 0;
}
