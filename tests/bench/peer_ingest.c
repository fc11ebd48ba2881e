// peer_ingest - the fleet's samples to another database, as lines of influx' protocol.
//
// usage: peer_ingest PORT [HOSTS [SERIES [ROWS]]]   (100, 500, 600)
// Of what it documents for rows as they come this costs VictoriaMetrics the least. Bodies are made
// ahead: one second of 25 hosts, ten fields a line; four connections on core 0 send the next one
// when the last was answered. Numbers and times are those of ingest's fleet.
// Out:    one line, for a shell to read.

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "tests/bench/fleet.h"
#include "tests/bench/parts/fleet_stream.h"

#define CONNECTIONS 4
#define HOSTS_EACH  25u // in a body

struct work {
    unsigned port;
    size_t n;
    struct buf *bodies;
    atomic_size_t next;
};

static void
s_line(struct buf *to, unsigned host, uint32_t group, const struct fleet_host *h, int64_t at_ms)
{
    buf_printf(to, "fleet,instance=fleet-%u,g=%u ", host, group);
    for (uint32_t i = 0; i < GROUP; i++)
        buf_printf(to, "%sf%u=%lld", i == 0 ? "" : ",", i,
                   (long long) h->m[fleet_pick(h, group * GROUP + i)]);
    buf_printf(to, " %lld\n", (long long) at_ms);
}

static void
s_make(struct work *work, unsigned hosts, uint32_t series, uint64_t rows)
{
    const unsigned each = (hosts + HOSTS_EACH - 1) / HOSTS_EACH;
    const int64_t t0_ms = clock_real_ms() - (int64_t) rows * 1000;
    struct fleet_host *numbers = xcalloc(hosts, sizeof *numbers);

    work->bodies = xcalloc(rows * each, sizeof *work->bodies);
    for (unsigned host = 0; host < hosts; host++)
        fleet_begin_as(&numbers[host], series, host);
    for (uint64_t row = 0; row < rows; row++) {
        for (unsigned host = 0; host < hosts; host++) {
            fleet_step(&numbers[host]);
            for (uint32_t group = 0; group < series / GROUP; group++)
                s_line(&work->bodies[work->n + host / HOSTS_EACH], host, group, &numbers[host],
                       t0_ms + (int64_t) row * 1000);
        }
        work->n += each;
    }
    free(numbers);
}

static void
s_put(int fd, const void *at, size_t n)
{
    while (n > 0) {
        const ssize_t done = send(fd, at, n, MSG_NOSIGNAL);

        if (done <= 0)
            bench_fail("the peer has closed");
        at = (const char *) at + done;
        n -= (size_t) done;
    }
}

// The answer of such a request has no body.
static void
s_answer(int fd)
{
    char text[2048];
    size_t n = 0;

    do {
        const ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);

        if (got <= 0)
            bench_fail("the peer has closed");
        n += (size_t) got;
        text[n] = '\0';
    } while (strstr(text, "\r\n\r\n") == NULL && n < sizeof text - 1);
    if (strncmp(text, "HTTP/1.1 204", 12) != 0)
        bench_fail(text);
}

static void *
s_send(void *arg)
{
    struct work *work = arg;
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t) work->port),
                                    .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t i;

    if (fd == -1 || connect(fd, (const struct sockaddr *) &to, sizeof to) == -1)
        bench_fail("the peer does not listen");
    while ((i = atomic_fetch_add(&work->next, 1)) < work->n) {
        char head[256];
        const int n = snprintf(head, sizeof head,
                               "POST /write?precision=ms HTTP/1.1\r\nHost: bench\r\n"
                               "Content-Length: %zu\r\n\r\n",
                               work->bodies[i].len);

        s_put(fd, head, (size_t) n);
        s_put(fd, work->bodies[i].at, work->bodies[i].len);
        s_answer(fd);
    }
    close(fd);
    return NULL;
}

int
main(int argc, char **argv)
{
    const unsigned hosts = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 100;
    const uint32_t series = argc > 3 ? (uint32_t) strtoul(argv[3], NULL, 10) : 500;
    const uint64_t rows = argc > 4 ? strtoull(argv[4], NULL, 10) : 600;
    struct work work = { .port = argc > 1 ? (unsigned) strtoul(argv[1], NULL, 10) : 0 };
    pthread_t threads[CONNECTIONS];
    double bytes = 0, samples = (double) rows * hosts * series, seconds;
    int64_t begin;

    if (work.port == 0 || hosts == 0 || series == 0 || SERIES % series != 0 || rows == 0)
        bench_fail("usage: peer_ingest PORT [HOSTS [SERIES [ROWS]]]");
    s_make(&work, hosts, series, rows);
    bench_pin(0);
    begin = clock_mono_ns();
    for (int i = 0; i < CONNECTIONS; i++)
        if (pthread_create(&threads[i], NULL, s_send, &work) != 0)
            bench_fail("no thread");
    for (int i = 0; i < CONNECTIONS; i++)
        pthread_join(threads[i], NULL);
    seconds = (double) (clock_mono_ns() - begin) / 1e9;
    for (size_t i = 0; i < work.n; i++)
        bytes += (double) work.bodies[i].len;
    printf("samples=%.0f seconds=%.3f bytes=%.0f\n", samples, seconds, bytes);
    return 0;
}
