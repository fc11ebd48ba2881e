// service - see service.h. Signals as a descriptor, the ZeroMQ context, the manager's socket, and
// the two files every data folder has.

#include "shared/net/service.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/random.h"
#include "shared/base/str.h"

// libzmq knows it by this number; the stable header does not name it.
#define CTX_ZERO_COPY_RECV 10

#define ID_MODE            0640
#define LOCK_MODE          0640

static const struct {
    int signal;
    enum service_event event;
} s_events[] = {
    { SIGTERM, SERVICE_STOP },
    { SIGINT, SERVICE_STOP },
    { SIGHUP, SERVICE_RELOAD },
    { SIGCHLD, SERVICE_CHILD },
};
#define N_EVENTS (sizeof s_events / sizeof s_events[0])

static int s_fill_standard(void);
static void s_quiet_czmq(unsigned io_threads);
static int s_make_id(uint64_t *ret, const char *path);

int
service_start(unsigned io_threads)
{
    // A fault is the faulting thread's own and must end it, or a sanitizer would stay mute.
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
    sigset_t all, ours;
    int rc, fd;

    rc = s_fill_standard();
    if (rc < 0)
        return rc;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    // Before any thread is made: it inherits the mask.
    rc = pthread_sigmask(SIG_SETMASK, &all, NULL);
    if (rc != 0)
        return -rc;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    sigemptyset(&ours);
    for (size_t i = 0; i < N_EVENTS; i++)
        sigaddset(&ours, s_events[i].signal);
    fd = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1)
        return -errno;
    s_quiet_czmq(io_threads);
    return fd;
}

// Where one of the three was closed, the next descriptor would take its place, and the log would
// write its lines into a socket or an eventfd of libzmq.
static int
s_fill_standard(void)
{
    for (;;) {
        const int fd = open("/dev/null", O_RDWR);

        if (fd == -1)
            return -errno;
        if (fd > STDERR_FILENO) {
            close(fd);
            return 0;
        }
    }
}

// czmq's own handlers would stop its helpers in every thread at once, and its log goes to stdout.
static void
s_quiet_czmq(unsigned io_threads)
{
    zsys_handler_set(NULL);
    zsys_set_logstream(NULL);
    zsys_set_logsystem(false);
    zsys_set_io_threads(io_threads);
    // With zero copy a queued message of 100 bytes keeps its whole 8 KiB receive buffer.
    if (zmq_ctx_set(zsys_init(), CTX_ZERO_COPY_RECV, 0) == -1)
        log_warn("libzmq refuses to copy on receive; small messages will hold more memory",
                 "error=%s", log_quote(zmq_strerror(errno)));
}

enum service_event
service_next(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n;

    do
        n = read(fd, &info, sizeof info);
    while (n == -1 && errno == EINTR);
    if (n != (ssize_t) sizeof info)
        return SERVICE_NONE; // EAGAIN: none is pending
    for (size_t i = 0; i < N_EVENTS; i++) {
        if (s_events[i].signal == (int) info.ssi_signo)
            return s_events[i].event;
    }
    return SERVICE_NONE;
}

void
service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@'))
        return;
    len = strlen(path);
    if (len >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; // an abstract name: its length counts, no NUL ends it
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return;
    // A manager that does not listen is its own affair; the service goes on.
    (void) !sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                   (const struct sockaddr *) &to,
                   (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

// The context's end has no limit of its own.
static void *
s_end_context(void *arg)
{
    zsys_shutdown();
    (void) !eventfd_write((int) (intptr_t) arg, 1);
    return NULL;
}

bool
service_end(int fd)
{
    const int done_fd = eventfd(0, EFD_CLOEXEC);
    struct pollfd done = { .fd = done_fd, .events = POLLIN };
    pthread_t thread;

    if (fd >= 0)
        close(fd);
    if (done_fd == -1 ||
        pthread_create(&thread, NULL, s_end_context, (void *) (intptr_t) done_fd) != 0) {
        zsys_shutdown();
        close(done_fd);
        return true;
    }
    // Signals are blocked, so nothing interrupts it.
    if (poll(&done, 1, SERVICE_END_MS) != 1) {
        pthread_detach(thread); // with its descriptor
        return false;
    }
    pthread_join(thread, NULL);
    close(done_fd);
    return true;
}

void
service_child(void)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

int
service_id(uint64_t *ret, const char *dir, const char *name)
{
    struct buf path = { 0 }, text = { 0 };
    ptrdiff_t n;
    int rc;

    buf_printf(&path, "%s/%s", dir, name);
    rc = file_make_dirs(dir);
    if (rc < 0)
        goto out;
    // 17 bytes when it is right; what is longer is read far enough to be refused.
    n = file_read(&text, AT_FDCWD, buf_cstr(&path), 64);
    if (n == -ENOENT) {
        rc = s_make_id(ret, buf_cstr(&path));
        goto out;
    }
    if (n < 0) {
        rc = n == ERR_LIMIT ? ERR_FORMAT : (int) n;
        goto out;
    }
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    rc = str_hex64(ret, buf_cstr(&text), text.len);
    if (rc == 0 && *ret == 0)
        rc = ERR_FORMAT;
out:
    buf_release(&text);
    buf_release(&path);
    return rc;
}

// Written whole or not at all: half an id would be another agent after the next start.
static int
s_make_id(uint64_t *ret, const char *path)
{
    const uint64_t id = random_u64();
    char text[STR_HEX64_SIZE + 1];
    int rc;

    str_hex64_put(text, id);
    text[STR_HEX64_SIZE - 1] = '\n';
    rc = file_write_atomic(path, text, STR_HEX64_SIZE, ID_MODE);
    if (rc == 0)
        *ret = id;
    return rc;
}

int
service_lock(int *ret, const char *dir)
{
    struct buf path = { 0 };
    int rc, fd = -1;

    rc = file_make_dirs(dir);
    if (rc < 0)
        return rc;
    buf_printf(&path, "%s/lock", dir);
    fd = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC, LOCK_MODE);
    buf_release(&path);
    if (fd == -1)
        return -errno;
    // The kernel lets go of it at the end of the process, however that comes.
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        rc = errno == EWOULDBLOCK ? ERR_LOCKED : -errno;
        close(fd);
        return rc;
    }
    *ret = fd;
    return 0;
}
