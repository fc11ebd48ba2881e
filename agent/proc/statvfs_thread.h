// statvfs_thread - ask file systems for their numbers without ever waiting for one of them.
//
// In:     mount points, a round at a time.
// Out:    the latest answer of each. One that has given none for `stuck_ms` is STATVFS_STUCK, and
//         is not asked again before it has answered: a new thread takes over those behind it, and
//         the old one is left to itself, with all it needs.
// Thread: one owner; it has up to 1 + STATVFS_LEFT_MAX of its own. With so many left, those behind
//         the next one that hangs are not asked until something answers.
// Source: statvfs(3); a dead network or FUSE mount keeps the caller in the kernel for ever.

#ifndef AGENT_PROC_STATVFS_THREAD_H
#define AGENT_PROC_STATVFS_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>

#define STATVFS_LEFT_MAX 4

typedef struct statvfs_thread statvfs_thread_t;

// 0 and *ret, or -errno. `point` is absolute, below the root folder. Called in any thread; may
// never return.
typedef int (*statvfs_fn)(int root_fd, const char *point, struct statvfs *ret);

// The real one. By a descriptor that reaches no further than the name: nothing is mounted by it.
int statvfs_below(int root_fd, const char *point, struct statvfs *ret);

struct statvfs_options {
    int root_fd; // of the root folder; duplicated
    statvfs_fn ask;
    int64_t stuck_ms; // an answer that takes so long is none
};

enum statvfs_state {
    STATVFS_UNKNOWN, // not asked, or not yet answered
    STATVFS_OK,
    STATVFS_ERROR,
    STATVFS_STUCK,
};

struct statvfs_answer {
    enum statvfs_state state;
    int error;         // -errno of STATVFS_ERROR
    int64_t at_ms;     // clock_mono_ms of the answer
    struct statvfs fs; // of STATVFS_OK
};

statvfs_thread_t *statvfs_thread_new(const struct statvfs_options *opt);
// Whether a thread hangs that statvfs_thread_destroy will leave behind. Waits 100 ms at most for
// one that is just being answered.
bool statvfs_thread_hangs(statvfs_thread_t *self);
// Ends the thread where it does not hang. NULL is fine.
void statvfs_thread_destroy(statvfs_thread_t **self_p);

// A new round of `n` points (copied) that begins in delay_ms. A round that is under way is not
// disturbed: then nothing happens. One that has not begun is replaced.
void statvfs_thread_ask(statvfs_thread_t *self, const char *const *points, size_t n,
                        int64_t delay_ms);
// Takes in what has been answered and sees who hangs. Never waits.
void statvfs_thread_collect(statvfs_thread_t *self);
// Collects until the round is over, or for ms: true if it is over.
bool statvfs_thread_wait(statvfs_thread_t *self, int64_t ms);
// As of the last collect; state STATVFS_UNKNOWN for a point that was never answered.
struct statvfs_answer statvfs_thread_answer(const statvfs_thread_t *self, const char *point);

#endif
