// process - fork, exec, and a pidfd to wait on.

#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/xalloc.h"

#define OUTPUT_MOST  ((size_t) 512 * 1024 * 1024)
#define HEED_POLL_MS 5

struct process {
    pid_t pid;
    int pidfd; // readable once it has ended
    bool ended;
    bool killed;        // by the test
    int code;           // once ended
    char *label;        // of its files
    char *paths[2];     // standard output, standard error
    struct buf text[2]; // what was read of them last
};

static void s_child(const process_t *self, const char *const *argv, pid_t parent);

process_t *
process_start(const char *dir, const char *label, const char *const *argv)
{
    process_t *self = xcalloc(1, sizeof *self);
    struct buf path = { 0 };
    const pid_t parent = getpid();
    sigset_t all, old;

    self->label = xstrdup(label);
    for (int i = 0; i < 2; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s.%s", dir, label, i == 0 ? "out" : "err");
        self->paths[i] = xstrdup(buf_cstr(&path));
    }
    buf_release(&path);
    // A signal that comes before the program is loaded must meet none of our own handlers (czmq has
    // some): it would be gone.
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    self->pid = fork();
    if (self->pid == 0)
        s_child(self, argv, parent);
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (self->pid == -1) {
        perror("fork");
        abort();
    }
    self->pidfd = (int) syscall(SYS_pidfd_open, self->pid, 0);
    if (self->pidfd == -1) {
        perror("pidfd_open");
        abort();
    }
    return self;
}

// Never returns. Between fork and exec only what is safe there.
static void
s_child(const process_t *self, const char *const *argv, pid_t parent)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND;
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    // What is ignored stays so, as it would over an exec.
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction now;

        if (sigaction(sig, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void) signal(sig, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(open("/dev/null", O_RDONLY), 0) == -1 ||
        dup2(open(self->paths[0], flags, 0600), 1) == -1 ||
        dup2(open(self->paths[1], flags, 0600), 2) == -1)
        _exit(127);
    // Nothing of the test's is open in the program: the ports it holds above all.
    syscall(SYS_close_range, 3u, ~0u, 0u);
    execv(argv[0], (char *const *) (uintptr_t) argv);
    _exit(127);
}

void
process_destroy(process_t **self_p)
{
    process_t *self = *self_p;

    if (self == NULL)
        return;
    process_signal(self, SIGKILL);
    process_ended(self, 10000);
    close(self->pidfd);
    for (int i = 0; i < 2; i++) {
        free(self->paths[i]);
        buf_release(&self->text[i]);
    }
    free(self->label);
    free(self);
    *self_p = NULL;
}

pid_t
process_pid(const process_t *self)
{
    return self->pid;
}

const char *
process_label(const process_t *self)
{
    return self->label;
}

void
process_signal(process_t *self, int sig)
{
    if (process_ended(self, 0))
        return;
    self->killed = self->killed || sig == SIGKILL;
    kill(self->pid, sig);
}

// A line of its status: a set of signals, signal 1 the lowest bit. 0 where there is none.
static uint64_t
s_signals(struct buf *status, const char *line)
{
    const char *at = strstr(buf_cstr(status), line);

    return at != NULL ? strtoull(at + strlen(line), NULL, 16) : 0;
}

bool
process_heeds(process_t *self, int sig, int timeout_ms)
{
    const int64_t until = clock_mono_ms() + timeout_ms;
    const uint64_t bit = UINT64_C(1) << (sig - 1), fault = UINT64_C(1) << (SIGSEGV - 1);
    struct buf status = { 0 };
    char path[64];
    bool heeds = false;

    snprintf(path, sizeof path, "/proc/%d/status", (int) self->pid);
    while (!heeds && !process_ended(self, 0)) {
        uint64_t blocked;

        buf_clear(&status);
        (void) file_read(&status, AT_FDCWD, path, 65536);
        blocked = s_signals(&status, "SigBlk:");
        // All of them, faults too: that is our child, which has yet to become the program.
        heeds = (blocked & fault) == 0 && ((blocked | s_signals(&status, "SigCgt:")) & bit) != 0;
        if (!heeds && (clock_mono_ms() >= until || process_ended(self, HEED_POLL_MS)))
            break;
    }
    buf_release(&status);
    return heeds;
}

bool
process_ended(process_t *self, int timeout_ms)
{
    const int64_t until = clock_mono_ms() + timeout_ms;
    struct pollfd item = { .fd = self->pidfd, .events = POLLIN };
    int status;

    while (!self->ended) {
        const int64_t left = until - clock_mono_ms();
        const int n = poll(&item, 1, left > 0 ? (int) left : 0);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        if (waitpid(self->pid, &status, 0) != self->pid)
            return false;
        self->ended = true;
        self->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return true;
}

int
process_code(const process_t *self)
{
    return self->ended ? self->code : -1;
}

bool
process_was_killed(const process_t *self)
{
    return self->killed;
}

int64_t
process_peak_kib(const process_t *self)
{
    struct buf text = { 0 };
    char path[64];
    const char *at = NULL;
    int64_t kib;

    snprintf(path, sizeof path, "/proc/%d/status", (int) self->pid);
    if (file_read(&text, AT_FDCWD, path, 65536) > 0)
        at = strstr(buf_cstr(&text), "VmHWM:");
    kib = at != NULL ? strtoll(at + strlen("VmHWM:"), NULL, 10) : 0;
    buf_release(&text);
    return kib;
}

// A file that is not there yet is an empty one.
static const char *
s_text(process_t *self, int which)
{
    const ptrdiff_t n = file_read(&self->text[which], AT_FDCWD, self->paths[which], OUTPUT_MOST);

    // As an empty text it would pass for a program that has said nothing.
    if (n == ERR_LIMIT) {
        fprintf(stderr, "%s: more than %zu bytes of output\n", self->paths[which], OUTPUT_MOST);
        abort();
    }
    if (n < 0)
        buf_clear(&self->text[which]);
    return buf_cstr(&self->text[which]);
}

const char *
process_out(process_t *self)
{
    return s_text(self, 0);
}

const char *
process_err(process_t *self)
{
    return s_text(self, 1);
}

const char *
process_out_path(const process_t *self)
{
    return self->paths[0];
}
