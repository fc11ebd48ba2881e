// slow_thread - ask the kernel what it may take long to tell, without ever waiting for it.
//
// In:     paths below the root folder, a round at a time, and a function that asks about one.
// Out:    the latest answer about each. One that has not come after `stuck_ms` is SLOW_STUCK, and
//         is not asked for again before it has come: a new thread takes over those behind it, and
//         the old one is left to itself, with all it needs.
// Thread: one owner; it has up to 1 + SLOW_LEFT_MAX of its own. With so many left, those behind
//         the next one that hangs are not asked until something answers.
// Source: a dead network or FUSE mount keeps statvfs(3) in the kernel for ever; a sensor behind a
//         slow bus or a device that resets takes seconds; up to Linux 5.17 each scaling_cur_freq
//         of an x86 machine sleeps 10 ms.

#ifndef AGENT_PROC_SLOW_THREAD_H
#define AGENT_PROC_SLOW_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>

#define SLOW_LEFT_MAX 4

typedef struct slow_thread slow_thread_t;

// What an answer says; which of them is up to the function that asks.
union slow_value {
    int64_t number;
    struct statvfs fs;
};

// 0 and *ret, or below zero. Called in any thread, and may never return.
typedef int (*slow_fn)(int root_fd, const char *path, union slow_value *ret);

struct slow_options {
    int root_fd; // of the root folder; duplicated
    slow_fn ask;
    int64_t stuck_ms; // an answer that takes so long is none
    int64_t every_ms; // between two samples, until two have shown it
};

enum slow_state {
    SLOW_UNKNOWN, // not asked, not yet answered, or so long ago that it says nothing now
    SLOW_OK,
    SLOW_ERROR,
    SLOW_STUCK,
};

struct slow_answer {
    enum slow_state state;
    int error;              // of SLOW_ERROR, as slow_fn gave it
    int64_t at_ms;          // clock_mono_ms of the answer
    union slow_value value; // of SLOW_OK
};

slow_thread_t *slow_thread_new(const struct slow_options *opt);
// Whether a thread hangs that slow_thread_destroy will leave behind. Waits 100 ms at most for one
// that is just being answered.
bool slow_thread_hangs(slow_thread_t *self);
// Ends the thread where it does not hang. NULL is fine.
void slow_thread_destroy(slow_thread_t **self_p);

// A new round of `n` paths (copied) that begins in delay_ms. A round that is under way is not
// disturbed: then nothing happens. One that has not begun is replaced. No thread is made for none.
void slow_thread_ask(slow_thread_t *self, const char *const *paths, size_t n, int64_t delay_ms);
// The same at the end of each sample, for the next one, which is taken to come as long after this
// one as this one came after the one before. Begins half a second ahead of it: its answers are
// then nearly as fresh as if they had been waited for.
void slow_thread_ask_ahead(slow_thread_t *self, const char *const *paths, size_t n);
// Takes in what has been answered and sees who hangs. Never waits.
void slow_thread_collect(slow_thread_t *self);
// Collects until the round is over, or for ms: true if it is over.
bool slow_thread_wait(slow_thread_t *self, int64_t ms);
// As of the last collect. An answer is good for three samples and 5 s.
struct slow_answer slow_thread_answer(const slow_thread_t *self, const char *path);

#endif
