// flow_export_old - what is older than memory is exported from the journal: whole, once, exactly.
//
// A host that is made here sends eight hours of the past through the real wire, as an agent with a
// backlog does. The collector keeps at most an hour of a series in memory, and after a start what
// came in the last 15 minutes. OLD_STEP_MS and OLD_SERIES make it as large as one likes.

#include <czmq.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/net/sock.h"
#include "tests/support/fake_stream.h"
#include "tests/support/stage.h"

#define HOST    UINT64_C(0x01d)
#define STREAM  UINT64_C(0x01d00)
#define PAST_MS (8 * INT64_C(3600000))
#define KEYS    100u // rows from KEY to KEY
#define RAW     50u  // rows from one number with all its digits to the next
#define LOSE_MS 500  // of such a number, beside its row

static unsigned s_series; // and one more, of which every number has all digits
static int64_t s_step_ms, s_t0_ms;
static uint64_t s_rows;
static struct fake_stream s_stream;
static unsigned char *s_seen; // by row and series: times that it was exported

static zsock_t *
s_join(stage_t *s, int type, enum sock_port port)
{
    const struct sock_spec spec = {
        .type = type, .send_hwm = 100, .recv_hwm = 1000, .max_bytes = CONTROL_MAX
    };
    char endpoint[256];
    zsock_t *sock;

    assert_int_equal(sock_endpoint(endpoint, sizeof endpoint, stage_endpoint(s), port), 0);
    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    assert_int_equal(sock_connect(sock, endpoint), 0);
    return sock;
}

static void
s_send(stage_t *s, zsock_t *push)
{
    zmq_pollitem_t item = { .socket = sock_raw(push), .events = ZMQ_POLLOUT };

    claim(s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    claim(s, sock_send(push, s_stream.frame, s_stream.len, false) == 0);
}

// Until the collector has acknowledged all records before `next`.
static void
s_wait(stage_t *s, zsock_t *dealer, uint64_t next)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(20000);
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    for (uint64_t acked = 0; acked < next;) {
        zmq_pollitem_t item = { .socket = sock_raw(dealer), .events = ZMQ_POLLIN };
        struct control_msg said;

        claim(s, clock_mono_ms() < until_ms);
        if (zmq_poll(&item, 1, 1000) != 1 || sock_recv(dealer, &msg) != 1)
            continue;
        claim(s, control_take(&said, zmq_msg_data(&msg), zmq_msg_size(&msg)) == 0);
        if (said.type == CONTROL_ACK)
            acked = said.ack.next;
    }
    zmq_msg_close(&msg);
}

static double
s_long_number(uint64_t row)
{
    return 0.1 * (double) (row + 1) / 3;
}

static void
s_send_past(stage_t *s)
{
    zsock_t *dealer = s_join(s, ZMQ_DEALER, SOCK_CONTROL), *push = s_join(s, ZMQ_PUSH, SOCK_DATA);
    struct control_msg hello = fake_hello(HOST, 1, "old", STREAM);
    uint8_t bytes[CONTROL_MAX];
    zmq_pollitem_t item = { .socket = sock_raw(dealer), .events = ZMQ_POLLIN };
    const ptrdiff_t n = control_put(bytes, sizeof bytes, &hello);

    claim(s, n > 0 && sock_send(dealer, bytes, (size_t) n, false) == 0);
    claim(s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    s_stream = (struct fake_stream){
        .id = STREAM, .metric = "old", .apps = s_series, .flags = FRAME_BACKLOG
    };
    fake_ident(&s_stream, HOST, "old");
    s_send(s, push);
    fake_table(&s_stream, s_series + 1);
    s_send(s, push);
    for (uint64_t row = 0; row < s_rows; row++) {
        if (row % RAW == 0)
            fake_say_raw(&s_stream, -LOSE_MS, s_series, sample_bits(s_long_number(row)));
        fake_row(&s_stream, row % KEYS == 0 ? RECORD_KEY : RECORD_DELTA,
                 s_t0_ms + (int64_t) row * s_step_ms, s_series + 1, (int64_t) row);
        s_send(s, push);
        if (row % 1000 == 999)
            s_wait(s, dealer, s_stream.seq);
    }
    s_wait(s, dealer, s_stream.seq);
    zsock_destroy(&push);
    zsock_destroy(&dealer);
}

// Eight hours sent, and the collector started again.
static int
s_setup(void **state)
{
    const char *step = getenv("OLD_STEP_MS"), *series = getenv("OLD_SERIES");
    process_t *collector;
    stage_t *s;
    int rc = stage_setup_plain(state);

    if (rc != 0)
        return rc;
    s = *state;
    s_step_ms = step != NULL ? atoll(step) : 10000;
    s_series = series != NULL ? (unsigned) atoi(series) : 300;
    s_rows = (uint64_t) (PAST_MS / s_step_ms);
    s_t0_ms = (clock_real_ms() - PAST_MS - 60000) / 1000 * 1000;
    s_seen = xcalloc(s_rows * (s_series + 1), 1);
    collector = stage_collector(s, NULL);
    s_send_past(s);
    process_signal(collector, SIGTERM);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    stage_collector(s, NULL);
    return 0;
}

static int
s_teardown(void **state)
{
    free(s_seen);
    row_state_release(&s_stream.rows);
    return stage_teardown(state);
}

// A sample of the export: it was sent, and is here for the first time.
static void
s_see(stage_t *s, unsigned series, int64_t time_ms, double value)
{
    const bool raw = series == s_series;
    const int64_t since_ms = time_ms - s_t0_ms + (raw ? LOSE_MS : 0);
    const uint64_t row = (uint64_t) (since_ms / s_step_ms);

    claim(s, series <= s_series && since_ms >= 0 && since_ms % s_step_ms == 0 && row < s_rows);
    claim(s, value == (raw ? s_long_number(row) : (double) (row + series)));
    claim(s, s_seen[row * (s_series + 1) + series]++ == 0);
}

static void
s_see_line(stage_t *s, char *line, bool csv)
{
    char *at = strstr(line, "old_"), *value = strrchr(line, csv ? ',' : ' ');
    unsigned series;

    claim(s, at != NULL && value != NULL);
    series = (unsigned) strtoul(at + 4, NULL, 10);
    if (csv) {
        s_see(s, series, strtoll(line, NULL, 10), strtod(value + 1, NULL));
        return;
    }
    *value = '\0'; // before it is the number, behind it the seconds
    s_see(s, series, (int64_t) (strtod(value + 1, NULL) * 1000 + 0.5),
          strtod(strrchr(line, ' ') + 1, NULL));
}

// Runs an export of the last so many ms of what was sent, and reads it to its end. Its memory, in
// KiB.
static long
s_export(stage_t *s, const char *form, int64_t last_ms)
{
    const char *build = getenv("BUILD_DIR");
    const bool csv = strcmp(form, "csv") == 0;
    char program[256], start[32], *line = NULL;
    const int64_t from_ms = s_t0_ms + (int64_t) s_rows * s_step_ms - last_ms - LOSE_MS;
    struct rusage usage;
    size_t size = 0;
    int fds[2], status;
    bool whole = csv;
    FILE *in;
    pid_t pid;

    snprintf(program, sizeof program, "%s/bin/zpulse", build != NULL ? build : "build");
    snprintf(start, sizeof start, "%lld", (long long) from_ms);
    claim(s, pipe(fds) == 0);
    pid = fork();
    claim(s, pid != -1);
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(program, "zpulse", "export", "--collector", stage_endpoint(s), "-o", form, "--start",
              start, "{instance=\"old\"}", (char *) NULL);
        _exit(127);
    }
    close(fds[1]);
    in = fdopen(fds[0], "r");
    claim(s, in != NULL);
    while (getline(&line, &size, in) > 0) {
        whole = whole || strcmp(line, "# EOF\n") == 0;
        if (line[0] != '#' && strncmp(line, "time_ms", 7) != 0)
            s_see_line(s, line, csv);
    }
    free(line);
    (void) fclose(in);
    claim(s, wait4(pid, &status, 0, &usage) == pid);
    claim(s, WIFEXITED(status) && WEXITSTATUS(status) == 0);
    claim(s, whole);
    return usage.ru_maxrss;
}

// What was seen is all of the last so many ms, and is forgotten.
static void
s_is_whole(stage_t *s, int64_t last_ms)
{
    const uint64_t first = s_rows - (uint64_t) (last_ms / s_step_ms);

    for (uint64_t row = 0; row < s_rows; row++)
        for (unsigned i = 0; i <= s_series; i++)
            claim(s, s_seen[row * (s_series + 1) + i] ==
                         (row >= first && (i < s_series || row % RAW == 0)));
    memset(s_seen, 0, s_rows * (s_series + 1));
}

static void
what_is_older_than_memory_is_exported_whole_and_once(void **state)
{
    static const char *const forms[] = { "csv", "openmetrics" };
    stage_t *s = *state;

    for (int i = 0; i < 2; i++) {
        const int64_t from_ms = clock_mono_ms();
        long hour_kib, all_kib;

        hour_kib = s_export(s, forms[i], PAST_MS / 8);
        s_is_whole(s, PAST_MS / 8);
        all_kib = s_export(s, forms[i], PAST_MS);
        s_is_whole(s, PAST_MS);
        print_message("%s: 1 h %ld KiB, 8 h %ld KiB, %lld ms in all\n", forms[i], hour_kib, all_kib,
                      (long long) (clock_mono_ms() - from_ms));
#ifndef __SANITIZE_ADDRESS__ // which holds on to what was freed
        // A million samples held for OpenMetrics, half a million of a window, and both may have
        // grown by a half.
        claim(s, all_kib < 64 * 1024);
#endif
    }
}

static bool
s_has_begun(stage_t *s, void *arg)
{
    (void) s;
    return process_out(arg)[0] != '\0';
}

static void
an_export_that_is_stopped_ends_at_once_and_says_so(void **state)
{
    stage_t *s = *state;
    process_t *p = stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), "-o", "csv",
                             NULL);

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_begun, p));
    process_signal(p, SIGSTOP); // that it does not end by itself
    process_signal(p, SIGINT);
    process_signal(p, SIGCONT);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(p) == 0 || process_code(p) == 1);
    claim(s, (process_code(p) == 1) == (strstr(process_err(p), "stopped before the end") != NULL));
    claim(s, strchr(process_err(p), '\r') == NULL); // progress is for terminals
    stage_drop(s, &p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_older_than_memory_is_exported_whole_and_once,
                                        s_setup, s_teardown),
        cmocka_unit_test_setup_teardown(an_export_that_is_stopped_ends_at_once_and_says_so, s_setup,
                                        s_teardown),
    };

    return cmocka_run_group_tests_name("flow_export_old", tests, NULL, NULL);
}
