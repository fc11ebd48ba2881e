// restart - how long a collector takes to answer again, over the folder that ingest has left.
//
// usage: restart COLLECTOR DIR [TIMES]   (1)
// Its files' pages are dropped from memory, and the collector is started on core 1. An agent that
// asks all the time sees when it is welcome, and when the first record that it sends is
// acknowledged; the collector's log says when the journal is read back. It is ended by SIGTERM
// then, and what it does at the next start is the next measurement.
// Out:    lines of "name: value".

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "tests/bench/parts/fleet_stream.h"
#include "tests/bench/parts/store_files.h"

#define PORT        29660
#define DATA        "tcp://127.0.0.1:29660"
#define HEAD        "2GiB"
#define DEADLINE_MS 60000
#define NEWCOMER    UINT64_C(77)
#define READ_BACK   "journal read back"

static zsock_t *
s_join(int type, enum sock_port port)
{
    const struct sock_spec spec = { .type = type,
                                    .send_hwm = 100,
                                    .recv_hwm = 100,
                                    .max_bytes = 64 * 1024 * 1024,
                                    .reconnect_ms = 2,
                                    .immediate = true };
    char endpoint[128];
    zsock_t *sock = NULL;

    if (sock_endpoint(endpoint, sizeof endpoint, DATA, port) < 0 ||
        sock_new(&sock, &spec, NULL) < 0 || sock_connect(sock, endpoint) < 0)
        bench_fail("no socket");
    return sock;
}

// Sends until it is taken, then waits for an answer; the control type, or 0 for others.
static uint8_t
s_ask(zsock_t *to, const void *bytes, size_t n, zsock_t *from, int64_t until_ms)
{
    static struct control_msg in;
    zmq_pollitem_t item = { .socket = sock_raw(from), .events = ZMQ_POLLIN };
    zmq_msg_t msg;
    uint8_t type = 0;

    while (n > 0 && sock_send(to, bytes, n, false) < 0) {
        if (clock_mono_ms() > until_ms)
            bench_fail("nobody listens");
        usleep(200);
    }
    if (zmq_poll(&item, 1, until_ms - clock_mono_ms()) != 1)
        bench_fail("no answer");
    zmq_msg_init(&msg);
    if (sock_recv(from, &msg) == 1 && zmq_msg_size(&msg) < CONTROL_MAX &&
        control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)) == 0)
        type = in.type;
    zmq_msg_close(&msg);
    return type;
}

static struct identity
s_newcomer(void)
{
    return (struct identity){ .host = NEWCOMER,
                              .name = "new",
                              .name_len = 3,
                              .version = "0.1.0",
                              .version_len = 5,
                              .interval_ms = 1000 };
}

static void
s_enter(zsock_t *dealer, uint64_t stream, int64_t until_ms)
{
    static uint8_t bytes[CONTROL_MAX];
    struct control_msg hello = { .type = CONTROL_HELLO };
    ptrdiff_t n;

    hello.hello.id = s_newcomer();
    hello.hello.nonce = 1;
    hello.hello.max_frame = FRAME_MAX;
    hello.hello.n_streams = 1;
    hello.hello.streams[0].stream = stream;
    n = control_put(bytes, sizeof bytes, &hello);
    if (s_ask(dealer, bytes, (size_t) n, dealer, until_ms) != CONTROL_WELCOME)
        bench_fail("not welcome");
}

static void
s_give(zsock_t *push, zsock_t *dealer, uint64_t stream, int64_t until_ms)
{
    const struct identity id = s_newcomer();
    struct record record = { .type = RECORD_IDENT, .stream = stream };
    uint8_t body[128], frame[512];
    struct wbuf w;
    ptrdiff_t n;

    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &id);
    record.body = body;
    record.body_len = (uint32_t) w.len;
    frame_put_prefix(frame, &(struct frame_prefix){ 0 });
    n = frame_put_record(frame + FRAME_PREFIX_SIZE, sizeof frame - FRAME_PREFIX_SIZE, &record);
    if (s_ask(push, frame, FRAME_PREFIX_SIZE + (size_t) n, dealer, until_ms) != CONTROL_ACK)
        bench_fail("not acknowledged");
}

// Bytes that were read back, once the log says so.
static uint64_t
s_await_replay(int log_fd, int64_t until_ms)
{
    static char text[1 << 16];
    size_t n = 0;
    uint64_t bytes = 0;
    const char *line = NULL;

    while (line == NULL || strchr(line, '\n') == NULL) {
        struct pollfd on = { .fd = log_fd, .events = POLLIN };
        ssize_t got;

        if (poll(&on, 1, (int) (until_ms - clock_mono_ms())) != 1)
            bench_fail("the journal was not read back in time");
        if (n > sizeof text / 2)
            n = 0;
        got = read(log_fd, text + n, sizeof text - 1 - n);
        if (got <= 0)
            bench_fail("the collector ended");
        n += (size_t) got;
        text[n] = '\0';
        line = strstr(text, READ_BACK);
    }
    line = strstr(line, "bytes=");
    if (line != NULL)
        (void) sscanf(line, "bytes=%" SCNu64, &bytes);
    return bytes;
}

static void
s_measure(const char *program, const char *data, uint64_t stream)
{
    zsock_t *dealer = s_join(ZMQ_DEALER, SOCK_CONTROL), *push = s_join(ZMQ_PUSH, SOCK_DATA);
    int64_t begin, until_ms, welcome, acked;
    uint64_t bytes;
    int log[2], status;
    pid_t pid;

    store_files_chill(data);
    if (pipe(log) == -1)
        bench_fail("no pipe");
    begin = clock_mono_ns();
    until_ms = clock_mono_ms() + DEADLINE_MS;
    pid = bench_collector(program, data, PORT, HEAD, log[1]);
    close(log[1]);
    s_enter(dealer, stream, until_ms);
    welcome = clock_mono_ns();
    s_give(push, dealer, stream, until_ms);
    acked = clock_mono_ns();
    bytes = s_await_replay(log[0], until_ms);
    printf("start to first ACK, ms: %.1f\n", (double) (acked - begin) / 1e6);
    printf("start to welcome, ms: %.1f\n", (double) (welcome - begin) / 1e6);
    printf("start to series known and journal read back, ms: %.1f\n",
           (double) (clock_mono_ns() - begin) / 1e6);
    printf("of the journal read back, MiB: %.1f\n", (double) bytes / (1024.0 * 1024.0));
    close(log[0]);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    zsock_destroy(&dealer);
    zsock_destroy(&push);
}

int
main(int argc, char **argv)
{
    const int times = argc > 3 ? atoi(argv[3]) : 1;
    int signals;

    if (argc < 3 || times < 1)
        bench_fail("usage: restart COLLECTOR DIR [TIMES]");
    bench_pin(0);
    signals = service_start(1);
    for (int i = 0; i < times; i++)
        s_measure(argv[1], argv[2], (uint64_t) clock_real_ms());
    service_end(signals);
    return 0;
}
