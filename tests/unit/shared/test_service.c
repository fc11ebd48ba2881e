// test_service - signals as events, the manager's socket, a folder's id and lock.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <czmq.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/net/service.h"

#define WAIT_MS 20000
#define NOBODY  "nobody.invalid"

// More than an id and its newline, and more than is read.
#define LONG_TAIL "0123456789abcdef and a tail that goes on beyond the 64 bytes that are read\n"

static int signals;
static char dir[64];

static enum service_event
next_event(void)
{
    struct pollfd item = { .fd = signals, .events = POLLIN };

    return poll(&item, 1, WAIT_MS) == 1 ? service_next(signals) : SERVICE_NONE;
}

static void
signals_arrive_as_events(void **state)
{
    (void) state;
    assert_int_equal(service_next(signals), SERVICE_NONE);
    kill(getpid(), SIGTERM);
    assert_int_equal(next_event(), SERVICE_STOP);
    kill(getpid(), SIGINT);
    assert_int_equal(next_event(), SERVICE_STOP);
    kill(getpid(), SIGHUP);
    assert_int_equal(next_event(), SERVICE_RELOAD);
    assert_int_equal(service_next(signals), SERVICE_NONE);
}

static void
other_signals_are_blocked_but_not_faults(void **state)
{
    sigset_t now;

    (void) state;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_true(sigismember(&now, SIGUSR1) == 1);
    assert_true(sigismember(&now, SIGPIPE) == 1);
    assert_true(sigismember(&now, SIGSEGV) == 0);
}

// In a child that has no service yet.
static void
a_closed_standard_error_is_nobody_elses_place(void **state)
{
    pid_t pid = fork();
    int status;

    (void) state;
    if (pid == 0) {
        char is[32] = "";

        close(STDIN_FILENO);
        close(STDERR_FILENO);
        if (service_start(1) < 0 || readlink("/proc/self/fd/2", is, sizeof is - 1) < 0)
            _exit(1);
        _exit(strcmp(is, "/dev/null") == 0 ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// The resolver, also for libzmq: a name server that never answers. What it is asked is told.
static int asked[2];

int
getaddrinfo(const char *node, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
    (void) port;
    (void) hints;
    (void) ret;
    if (node == NULL || strcmp(node, NOBODY) != 0)
        return EAI_NONAME;
    (void) !write(asked[1], "", 1);
    for (;;)
        pause();
}

// In a child: its context never ends.
static void
s_end_while_asked(void)
{
    const int fd = service_start(1);
    zsock_t *sock = zsock_new(ZMQ_PUSH);
    char byte;

    if (fd < 0 || sock == NULL || zsock_connect(sock, "tcp://" NOBODY ":1") != 0 ||
        read(asked[0], &byte, 1) != 1)
        _exit(1);
    zsock_destroy(&sock);
    _exit(service_end(fd) ? 2 : 0);
}

static void
an_end_does_not_wait_for_a_name_server(void **state)
{
    const int64_t until_ms = zclock_mono() + WAIT_MS;
    pid_t pid, ended = 0;
    int status = -1;

    (void) state;
    assert_int_equal(pipe(asked), 0);
    pid = fork();
    if (pid == 0)
        s_end_while_asked();
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && zclock_mono() < until_ms)
        poll(NULL, 0, 10);
    if (ended == 0)
        kill(pid, SIGKILL);
    close(asked[0]);
    close(asked[1]);
    assert_int_equal(ended, pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
the_end_of_a_child_is_an_event_and_a_child_has_signals_again(void **state)
{
    int status;
    pid_t pid = fork();

    (void) state;
    if (pid == 0) {
        service_child();
        raise(SIGTERM); // blocked in the parent, so this ends it only if service_child works
        _exit(0);
    }
    assert_int_equal(next_event(), SERVICE_CHILD);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void
received_messages_are_copied(void **state)
{
    (void) state;
    assert_int_equal(zmq_ctx_get(zsys_init(), 10), 0);
    assert_int_equal(zmq_ctx_get(zsys_init(), ZMQ_IO_THREADS), 1);
}

static void
the_manager_is_told(void **state)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    char name[sizeof at.sun_path], said[32];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    ssize_t n;

    (void) state;
    assert_int_not_equal(fd, -1);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", dir);
    assert_int_equal(bind(fd, (const struct sockaddr *) &at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    service_notify("READY=1");
    n = recv(fd, said, sizeof said, MSG_DONTWAIT);
    assert_int_equal(n, 7);
    assert_memory_equal(said, "READY=1", 7);
    close(fd);

    // An abstract name begins with '@' in the variable and with NUL in the address.
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    memset(&at.sun_path, 0, sizeof at.sun_path);
    snprintf(name, sizeof name, "@zpulse-test-%d", getpid());
    memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
    assert_int_equal(bind(fd, (const struct sockaddr *) &at,
                          (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    service_notify("STOPPING=1");
    assert_int_equal(recv(fd, said, sizeof said, MSG_DONTWAIT), 10);
    close(fd);
    service_notify("WATCHDOG=1"); // nobody listens: no harm
    unsetenv("NOTIFY_SOCKET");
    service_notify("READY=1");
}

static void
an_id_is_made_once_and_kept(void **state)
{
    uint64_t first = 0, again = 0;
    char sub[96];

    (void) state;
    snprintf(sub, sizeof sub, "%s/a/b", dir);
    assert_int_equal(service_id(&first, sub, "host-id"), 0);
    assert_true(first != 0);
    assert_int_equal(service_id(&again, sub, "host-id"), 0);
    assert_true(first == again);
}

static void
a_damaged_id_is_refused_and_left_alone(void **state)
{
    static const char *const bad[] = { "",
                                       "x\n",
                                       "0123456789abcde\n",
                                       "0123456789ABCDEF\n",
                                       "0123456789abcdef0\n",
                                       "0000000000000000\n",
                                       "0123456789abcdef\n\n",
                                       LONG_TAIL };
    char path[96];
    uint64_t id;

    (void) state;
    snprintf(path, sizeof path, "%s/bad", dir);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FILE *f = fopen(path, "w");

        fputs(bad[i], f);
        fclose(f);
        if (service_id(&id, dir, "bad") != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    }
}

static void
a_folder_has_one_owner(void **state)
{
    int first = -1, second = -1;
    char sub[96];

    (void) state;
    snprintf(sub, sizeof sub, "%s/owned", dir);
    assert_int_equal(service_lock(&first, sub), 0);
    assert_int_equal(service_lock(&second, sub), ERR_LOCKED);
    close(first);
    assert_int_equal(service_lock(&second, sub), 0);
    close(second);
    assert_true(service_lock(&second, "/proc/nonexistent/x") < 0);
}

static int
start(void **state)
{
    (void) state;
    snprintf(dir, sizeof dir, "/tmp/zpulse-test-service-XXXXXX");
    signals = mkdtemp(dir) != NULL ? service_start(1) : -1;
    return signals >= 0 ? 0 : -1;
}

static int
end(void **state)
{
    static const char *const left[] = { "a/b/host-id", "a/b",   "a",      "bad",
                                        "owned/lock",  "owned", "notify", "." };
    char path[128];

    (void) state;
    service_end(signals);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, left[i]);
        remove(path);
    }
    return rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest before[] = {
        cmocka_unit_test(a_closed_standard_error_is_nobody_elses_place),
        cmocka_unit_test(an_end_does_not_wait_for_a_name_server),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_arrive_as_events),
        cmocka_unit_test(other_signals_are_blocked_but_not_faults),
        cmocka_unit_test(the_end_of_a_child_is_an_event_and_a_child_has_signals_again),
        cmocka_unit_test(received_messages_are_copied),
        cmocka_unit_test(the_manager_is_told),
        cmocka_unit_test(an_id_is_made_once_and_kept),
        cmocka_unit_test(a_damaged_id_is_refused_and_left_alone),
        cmocka_unit_test(a_folder_has_one_owner),
    };
    return cmocka_run_group_tests_name("service not started", before, NULL, NULL) +
           cmocka_run_group_tests_name("service", tests, start, end);
}
