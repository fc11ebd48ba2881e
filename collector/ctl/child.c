// child - see child.h.

#include "collector/ctl/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/xalloc.h"
#include "shared/net/service.h"

#define LINE_MAX_BYTES 4000 // with the prefix less than PIPE_BUF: one write, never mixed
#define READ_SIZE      4096
#define READS_A_TURN   16 // who talks without end must not keep us from signals

struct child {
    const char *name;
    pid_t pid;
    int fd;          // our end of its output; -1 after its end
    struct buf said; // the beginning of a line
    unsigned long dropped;
    bool ended;
    int status; // of waitpid, once ended
};

static void s_exec(char *const *argv, pid_t parent, int output, int null, int fault)
    __attribute__((noreturn));
static int s_exec_fault(pid_t pid, int fd);
static void s_lines(child_t *self, int out_fd, bool all);
static void s_pass_on(child_t *self, int out_fd, const char *line, size_t len);

int
child_start(child_t **ret, const char *name, char *const *argv)
{
    int output[2] = { -1, -1 }, fault[2] = { -1, -1 };
    const pid_t parent = getpid();
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    child_t *self = NULL;
    pid_t pid;
    int rc = 0;

    if (null == -1 || pipe2(output, O_CLOEXEC) == -1 || pipe2(fault, O_CLOEXEC) == -1 ||
        fcntl(output[0], F_SETFL, O_NONBLOCK) == -1)
        rc = -errno;
    if (rc == 0) {
        pid = fork();
        if (pid == 0)
            s_exec(argv, parent, output[1], null, fault[1]);
        rc = pid == -1 ? -errno : 0;
    }
    if (fault[1] != -1)
        close(fault[1]);
    if (rc == 0)
        rc = s_exec_fault(pid, fault[0]);
    if (rc == 0) {
        self = xcalloc(1, sizeof *self);
        *self = (struct child){ .name = name, .pid = pid, .fd = output[0] };
        *ret = self;
    } else if (output[0] != -1) {
        close(output[0]);
    }
    if (output[1] != -1)
        close(output[1]);
    if (fault[0] != -1)
        close(fault[0]);
    if (null != -1)
        close(null);
    return rc;
}

// Between fork and exec: only what is safe in a signal handler.
static void
s_exec(char *const *argv, pid_t parent, int output, int null, int fault)
{
    int rc;

    // A parent that ended before prctl was heard would never be missed.
    if (setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent &&
        dup2(null, STDIN_FILENO) != -1 && dup2(output, STDOUT_FILENO) != -1 &&
        dup2(output, STDERR_FILENO) != -1) {
        service_child();
        execv(argv[0], argv);
    }
    rc = errno;
    (void) !write(fault, &rc, sizeof rc);
    _exit(127);
}

// The pipe closes at exec; before it, it brings the errno of what failed.
// Once it has closed, the group exists as well: a signal to it finds somebody.
static int
s_exec_fault(pid_t pid, int fd)
{
    int fault = 0;
    ssize_t n;

    do
        n = read(fd, &fault, sizeof fault);
    while (n == -1 && errno == EINTR);
    if (n == 0)
        return 0;
    waitpid(pid, NULL, 0);
    return n == (ssize_t) sizeof fault && fault != 0 ? -fault : -EIO;
}

void
child_destroy(child_t **self_p)
{
    child_t *self = *self_p;

    if (self == NULL)
        return;
    if (!self->ended) {
        child_signal(self, SIGKILL);
        waitpid(self->pid, NULL, 0);
    }
    if (self->fd != -1)
        close(self->fd);
    buf_release(&self->said);
    free(self);
    *self_p = NULL;
}

int
child_fd(const child_t *self)
{
    return self->fd;
}

void
child_relay(child_t *self, int out_fd)
{
    for (unsigned i = 0; i < READS_A_TURN && self->fd != -1; i++) {
        ssize_t n;

        buf_reserve(&self->said, READ_SIZE);
        n = read(self->fd, self->said.at + self->said.len, READ_SIZE);
        if (n == -1 && (errno == EAGAIN || errno == EINTR))
            return;
        self->said.len += n > 0 ? (size_t) n : 0;
        s_lines(self, out_fd, n <= 0);
        if (n <= 0) {
            close(self->fd);
            self->fd = -1;
        }
    }
}

// Whole lines go out; with `all`, or where a line is too long, what there is.
static void
s_lines(child_t *self, int out_fd, bool all)
{
    const char *at = (const char *) self->said.at;
    size_t left = self->said.len;

    while (left > 0) {
        const char *eol = memchr(at, '\n', left);
        size_t len = eol != NULL ? (size_t) (eol - at) : left;
        const bool whole = eol != NULL && len <= LINE_MAX_BYTES;

        if (eol == NULL && len <= LINE_MAX_BYTES && !all)
            break;
        if (len > LINE_MAX_BYTES)
            len = LINE_MAX_BYTES;
        s_pass_on(self, out_fd, at, len);
        len += whole;
        at += len;
        left -= len;
    }
    memmove(self->said.at, at, left);
    self->said.len = left;
}

static void
s_pass_on(child_t *self, int out_fd, const char *line, size_t len)
{
    struct pollfd item = { .fd = out_fd, .events = POLLOUT };
    struct buf text = { 0 };

    if (poll(&item, 1, 0) != 1 || (item.revents & POLLOUT) == 0) {
        self->dropped++;
        return;
    }
    if (self->dropped > 0) {
        buf_printf(&text, "%-9s | (%lu lines were dropped)\n", self->name, self->dropped);
        self->dropped = 0;
    }
    buf_printf(&text, "%-9s | ", self->name);
    buf_bytes(&text, line, len);
    buf_byte(&text, '\n');
    // Nobody may be there to read: then there is nobody to tell either.
    (void) !write(out_fd, text.at, text.len);
    buf_release(&text);
}

bool
child_ended(child_t *self)
{
    if (!self->ended)
        self->ended = waitpid(self->pid, &self->status, WNOHANG) == self->pid;
    return self->ended;
}

void
child_ending(const child_t *self, struct buf *out)
{
    if (WIFSIGNALED(self->status))
        buf_printf(out, "was killed by signal %d (%s)", WTERMSIG(self->status),
                   strsignal(WTERMSIG(self->status)));
    else
        buf_printf(out, "ended with status %d", WEXITSTATUS(self->status));
}

int
child_exit_code(const child_t *self)
{
    return WIFSIGNALED(self->status) ? -1 : WEXITSTATUS(self->status);
}

void
child_signal(const child_t *self, int signal)
{
    if (!self->ended)
        kill(-self->pid, signal);
}
