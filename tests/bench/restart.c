// restart - how long a collector with a large journal takes to answer again.
//
// usage: restart COLLECTOR DIR [MIB]   (1,024)
// A journal of 40 hosts over six hours is written; its pages are dropped from memory, and the
// collector is started. An agent that asks all the time sees when it is welcome, and when the first
// record that it sends is acknowledged; the collector itself says when the journal is read back.
// Out:    lines of "name: value".

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/journal_file.h"
#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"
#include "shared/wire/control.h"
#include "shared/wire/row_codec.h"
#include "tests/bench/fleet.h"

#define PORT_BASE   "29660"
#define DATA        "tcp://127.0.0.1:29660"
#define HOSTS       40u
#define SPAN_MS     (6 * 3600 * 1000)
#define OWNER       UINT64_C(0x5e6)
#define ROWS_GROUP  64u
#define DEADLINE_MS 30000
#define NEWCOMER    UINT64_C(77)

struct host {
    struct fleet_host numbers;
    struct row_state state;
    uint64_t seq;
};

static int64_t s_begin_ms; // when the oldest record came

static void
s_fail(const char *what)
{
    fprintf(stderr, "restart: %s\n", what);
    exit(1);
}

static void
s_add(struct journal_group *group, unsigned i, uint8_t kind, int64_t at_ms, const void *bytes,
      size_t len)
{
    journal_group_add(group,
                      &(struct journal_item){
                          .host = 1000 + i, .received_ms = at_ms, .kind = kind, .kept = true },
                      bytes, len);
}

static void
s_record(struct journal_group *group, struct host *h, unsigned i, uint8_t type, uint32_t count,
         int64_t at_ms, const struct wbuf *body)
{
    static uint8_t bytes[FRAME_MAX];
    const struct record record = { .type = type,
                                   .count = count,
                                   .stream = 5000 + i,
                                   .seq = h->seq,
                                   .total = h->seq * SERIES,
                                   .t0_ms = at_ms,
                                   .body = body->at,
                                   .body_len = (uint32_t) body->len };
    const ptrdiff_t n = frame_put_record(bytes, sizeof bytes, &record);

    if (n < 0)
        s_fail("a record did not fit");
    h->seq++;
    s_add(group, i, JOURNAL_RECORD, at_ms, bytes, (size_t) n);
}

static void
s_define(struct journal_group *group, struct host *h, unsigned i, int64_t at_ms)
{
    static uint8_t body[FRAME_BODY_MAX];
    struct buf name = { 0 };
    char text[32];
    struct wbuf w;

    (void) snprintf(text, sizeof text, "fleet-%u", i);
    journal_name_put(&name, text);
    s_add(group, i, JOURNAL_HOST, at_ms, name.at, name.len);
    buf_release(&name);
    fleet_begin(&h->numbers, SERIES);
    row_state_grow(&h->state, SERIES);
    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, SERIES);
    wbuf_varint(&w, SERIES);
    for (uint32_t slot = 0; slot < SERIES; slot++) {
        struct label labels[] = { { LABEL_METRIC, "fleet" }, { "n", text } };
        struct slot_def def = { .slot = slot, .kind = METRIC_GAUGE, .form = { .unit = 1 } };

        (void) snprintf(text, sizeof text, "%u", slot);
        if (label_set_init(&def.labels, labels, 2) < 0)
            s_fail("labels");
        slot_def_put(&w, &def);
        label_set_release(&def.labels);
    }
    s_record(group, h, i, RECORD_TABLE, 0, at_ms, &w);
}

static void
s_row(struct journal_group *group, struct host *h, unsigned i, int64_t at_ms)
{
    static uint8_t body[FRAME_BODY_MAX];
    struct cell cells[SERIES] = { 0 };
    const bool key = (h->seq - 1 + i) % KEY_EACH == 0 || h->seq == 1;
    uint32_t count;
    struct wbuf w;

    fleet_step(&h->numbers);
    for (uint32_t k = 0; k < SERIES; k++)
        cells[k] = (struct cell){ .state = CELL_INTEGER, .m = h->numbers.m[k] };
    wbuf_init(&w, body, sizeof body);
    if (key)
        row_put_key(&h->state, &w);
    count = row_put(&h->state, &w, 0, cells);
    s_record(group, h, i, key ? RECORD_KEY : RECORD_DELTA, count, at_ms, &w);
}

// Segments as if they had been begun over the whole span; and out of the kernel's memory.
static void
s_age(const char *dir, uint64_t newest)
{
    for (uint64_t number = 1; number <= newest; number++) {
        uint8_t bytes[SEGMENT_HEADER_BYTES];
        struct segment_header header;
        char path[512];
        int fd;

        (void) snprintf(path, sizeof path, "%s/%016" PRIx64 ".seg", dir, number);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd == -1 || pread(fd, bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes ||
            segment_header_take(&header, bytes, sizeof bytes) < 0)
            s_fail("a segment can not be read");
        header.made_ms = s_begin_ms + (int64_t) ((number - 1) * SPAN_MS / newest);
        segment_header_put(bytes, &header);
        if (pwrite(fd, bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes || fsync(fd) == -1)
            s_fail("a segment can not be written");
        (void) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
}

static void
s_write(const char *data, uint64_t bytes_most)
{
    static struct host hosts[HOSTS];
    struct journal_group *group = journal_group_new();
    struct journal_found found;
    journal_file_t *file;
    const uint64_t rows = bytes_most / (HOSTS * 570); // some 570 bytes a row
    uint64_t newest;
    char path[256];

    (void) snprintf(path, sizeof path, "%s/collector_id", data);
    if (file_make_dirs(data) < 0 || file_write_atomic(path, "00000000000005e6\n", 17, 0640) < 0)
        s_fail("the folder can not be made");
    (void) snprintf(path, sizeof path, "%s/journal", data);
    if (journal_file_open(&file, &found,
                          &(struct journal_options){ .dir = path,
                                                     .owner = OWNER,
                                                     .segment_bytes = JOURNAL_SEGMENT_BYTES,
                                                     .spares = JOURNAL_SPARES,
                                                     .bytes_most = UINT64_C(1) << 40,
                                                     .hold_bytes = JOURNAL_HOLD_BYTES,
                                                     .now_ms = clock_real_ms }) < 0)
        s_fail("the journal can not be opened");
    s_begin_ms = clock_real_ms() - SPAN_MS;
    for (uint64_t row = 0; row < rows; row++) {
        const int64_t at_ms = s_begin_ms + (int64_t) (row * SPAN_MS / rows);

        for (unsigned i = 0; i < HOSTS; i++) {
            if (row == 0)
                s_define(group, &hosts[i], i, at_ms);
            s_row(group, &hosts[i], i, at_ms);
        }
        if (row % ROWS_GROUP == ROWS_GROUP - 1 || row == rows - 1) {
            journal_file_commit(file, group);
            if (group->rc < 0)
                s_fail("the journal can not be written");
            journal_group_clear(group);
        }
    }
    newest = journal_file_end(file).segment;
    printf("journal, MiB: %" PRIu64 "\n", newest * JOURNAL_SEGMENT_BYTES >> 20);
    journal_file_close(&file);
    journal_group_free(group);
    s_age(path, newest);
}

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
        s_fail("no socket");
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
            s_fail("nobody listens");
        usleep(200);
    }
    if (zmq_poll(&item, 1, until_ms - clock_mono_ms()) != 1)
        s_fail("no answer");
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
s_measure(const char *program, const char *data, uint64_t stream)
{
    static uint8_t bytes[CONTROL_MAX];
    zsock_t *dealer = s_join(ZMQ_DEALER, SOCK_CONTROL), *push = s_join(ZMQ_PUSH, SOCK_DATA);
    const int64_t begin = clock_mono_ns(), until_ms = clock_mono_ms() + DEADLINE_MS;
    struct control_msg hello = { .type = CONTROL_HELLO };
    struct identity id = s_newcomer();
    struct record record = { .type = RECORD_IDENT, .stream = stream };
    uint8_t body[128], frame[512];
    ptrdiff_t n;
    struct wbuf w;
    pid_t pid = fork();

    if (pid == 0) {
        service_child();
        execl(program, program, "--data", data, "--port-base", PORT_BASE, (char *) NULL);
        _exit(127);
    }
    hello.hello.id = id;
    hello.hello.nonce = 1;
    hello.hello.max_frame = FRAME_MAX;
    hello.hello.n_streams = 1;
    hello.hello.streams[0].stream = stream;
    n = control_put(bytes, sizeof bytes, &hello);
    if (s_ask(dealer, bytes, (size_t) n, dealer, until_ms) != CONTROL_WELCOME)
        s_fail("not welcome");
    printf("start to welcome, ms: %.1f\n", (double) (clock_mono_ns() - begin) / 1e6);
    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &id);
    record.body = body;
    record.body_len = (uint32_t) w.len;
    frame_put_prefix(frame, &(struct frame_prefix){ 0 });
    n = frame_put_record(frame + FRAME_PREFIX_SIZE, sizeof frame - FRAME_PREFIX_SIZE, &record);
    if (s_ask(push, frame, FRAME_PREFIX_SIZE + (size_t) n, dealer, until_ms) != CONTROL_ACK)
        s_fail("not acknowledged");
    printf("start to first ACK, ms: %.1f\n", (double) (clock_mono_ns() - begin) / 1e6);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    zsock_destroy(&dealer);
    zsock_destroy(&push);
}

int
main(int argc, char **argv)
{
    const uint64_t mib = argc > 3 ? strtoull(argv[3], NULL, 10) : 1024;
    int signals;

    if (argc < 3 || mib == 0)
        s_fail("usage: restart COLLECTOR DIR [MIB]");
    signals = service_start(1);
    s_write(argv[2], mib << 20);
    for (int i = 0; i < 3; i++)
        s_measure(argv[1], argv[2], (uint64_t) clock_real_ms());
    service_end(signals);
    return 0;
}
