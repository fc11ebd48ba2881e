// process - a real program under test: started, signalled, waited for; what it said is kept.
//
// In:     a path and words; standard input is empty.
// Out:    exit code, standard output and error, each in a file of its own.
// Thread: the test's. The program is killed by the kernel when that thread ends.

#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct process process_t;

// Runs argv[0]; its words end with NULL. Output goes to DIR/LABEL.out and DIR/LABEL.err.
// A program that cannot be run ends with 127.
process_t *process_start(const char *dir, const char *label, const char *const *argv);
// Kills it if it still runs. NULL is fine.
void process_destroy(process_t **self_p);

pid_t process_pid(const process_t *self);
const char *process_label(const process_t *self);
// To it alone. Nothing happens if it has ended.
void process_signal(process_t *self, int sig);
// True once it has taken the signal into its own hands, by a handler or, blocked, by a descriptor:
// before that a program that has just been started is ended by it. Waits at most so long, and not
// for one that has ended.
bool process_heeds(process_t *self, int sig, int timeout_ms);
// True once it has ended; waits at most so long.
bool process_ended(process_t *self, int timeout_ms);
// Its exit code, or 128 and the signal that ended it. Only after process_ended.
int process_code(const process_t *self);
// True if the test itself sent SIGKILL.
bool process_was_killed(const process_t *self);
// The most memory it ever had, VmHWM; 0 once it has ended.
int64_t process_peak_kib(const process_t *self);
// What it has written so far, 512 MiB at most, or the test ends; ours until the next call.
const char *process_out(process_t *self);
const char *process_err(process_t *self);
// The file that it writes its standard output to, for who reads it line by line.
const char *process_out_path(const process_t *self);

#endif
