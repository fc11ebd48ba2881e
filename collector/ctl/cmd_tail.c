// cmd_tail - `zpulse tail [SELECTOR]`: samples as they arrive, until Ctrl-C.
//
// A selector that fixes instance="..." subscribes to the topics of the hosts it means; any other
// one to all, so that hosts and series that come later are there as well. Of each, to what the host
// says of itself and to its applications: which of both matches is known only by labels.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/command.h"
#include "collector/ctl/ctl_keys.h"
#include "collector/ctl/live_lines.h"
#include "collector/ctl/query_client.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/model/selector.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define ANSWER_MS     5000
#define QUEUE         1000 // subscriptions on their way
#define MESSAGES_TURN 256  // between two looks at the signals
#define WRITE_MAX     4096 // PIPE_BUF: poll's word that a pipe has room holds for so much
#define OUT_MOST      ((size_t) 16 * 1024 * 1024) // of lines that wait to be read
#define ENDPOINT_SIZE 1024
#define ALL_LEN       2 // of a topic, what all of its kind begin with: "m/"
#define EVERYTHING    "{__name__!=\"\"}"

static const struct option options_table[] = {
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of the collector to follow" },
    CTL_KEYS_OPTIONS,
    { .name = "lines",
      .type = OPTION_UINT,
      .least = 1,
      .letter = 'n',
      .meta = "N",
      .help = "end after N lines" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse tail",
    .summary = "Prints samples as they arrive, until Ctrl-C.",
    .usage = "zpulse tail [OPTION]... [SELECTOR]",
    .options = options_table,
    .arguments = true,
    .tail = "SELECTOR is PromQL's: node_load1, or {__name__=~\"node_memory_.*\",instance=\"x\"}; "
            "all series without it.",
};

struct tail {
    options_t *options;
    const char *collector;
    struct client_keys keys;
    const struct curve *curve; // of them, or NULL: plain
    const char *selector;
    bool fixed; // the selector names one instance
    matchers_t *matchers;
    live_lines_t *lines;
    query_client_t *client;
    zsock_t *live; // SUB
    map_t *hosts;  // of series that match now; the values mean nothing
    int signals;
    bool limited;
    uint64_t left; // lines to print, if limited
    struct buf out;
    struct buf aside;  // lines that have no room in `out`
    uint64_t left_out; // how many these were, that nobody has been told of
    int unwritten;     // -errno of a line that could not be printed, or 0
    struct buf why;    // the collector's sentence, where it refused
};

static int s_run(struct tail *self);
static int s_read_selector(struct tail *self);
static bool s_names_one_instance(const char *text);
static int s_find_hosts(struct tail *self);
static int s_note_host(void *arg, const struct query_series *series);
static int s_subscribe(struct tail *self);
static int s_subscribe_to(const struct tail *self, char kind);
static int s_follow(struct tail *self);
static int s_take_messages(struct tail *self, bool *stop);
static int s_take_message(struct tail *self, zmq_msg_t *topic, zmq_msg_t *body);
static void s_ask_table(struct tail *self, uint64_t host);
static bool s_stopped(const struct tail *self);
static int s_flush(struct tail *self);

int
cmd_tail(int argc, char **argv)
{
    struct tail self = { .signals = -1 };
    int code;

    if (options_load(&self.options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    log_init("zpulse", LOG_LEVEL_WARN);
    self.hosts = map_new();
    code = s_run(&self);
    query_client_close(&self.client);
    zsock_destroy(&self.live);
    live_lines_destroy(&self.lines);
    matchers_destroy(&self.matchers);
    map_destroy(&self.hosts);
    buf_release(&self.out);
    buf_release(&self.aside);
    buf_release(&self.why);
    options_destroy(&self.options);
    if (self.signals >= 0)
        service_end(self.signals);
    return code;
}

// The exit code; what went wrong is said by whoever saw it.
static int
s_run(struct tail *self)
{
    int rc = s_read_selector(self);

    if (rc != OPTION_EXIT_OK)
        return rc;
    self->collector = options_text(self->options, "collector");
    if (ctl_keys_load(&self->keys, &self->curve, "tail", self->options) < 0)
        return OPTION_EXIT_CONFIG;
    self->limited = options_given(self->options, "lines");
    self->left = options_uint(self->options, "lines");
    self->signals = service_start(1);
    self->lines = live_lines_new(self->matchers);
    rc = query_client_open(&self->client, self->collector, self->curve, self->signals);
    if (rc == 0)
        rc = s_find_hosts(self);
    if (rc == 0)
        rc = s_subscribe(self);
    if (rc == 0)
        rc = s_follow(self);
    if (self->unwritten < 0) {
        fprintf(stderr, "zpulse tail: standard output: %s\n", err_str(self->unwritten));
        return OPTION_EXIT_FAILED;
    }
    if (rc == 0 || rc == -EINTR)
        return OPTION_EXIT_OK;
    fprintf(stderr, "zpulse tail: %s: %s\n", self->collector, query_client_problem(rc, &self->why));
    return query_client_exit(rc);
}

static int
s_read_selector(struct tail *self)
{
    char error[MATCHERS_ERROR_SIZE];
    const char *const *words;
    const size_t n = options_arguments(self->options, &words);

    self->selector = n > 0 ? words[0] : EVERYTHING;
    if (n > 1) {
        fprintf(stderr, "zpulse tail: one selector at most; quote it for the shell\n");
        return OPTION_EXIT_USAGE;
    }
    if (matchers_parse(&self->matchers, self->selector, error) < 0) {
        fprintf(stderr, "zpulse tail: selector: %s\n", error);
        return OPTION_EXIT_USAGE;
    }
    self->fixed = s_names_one_instance(self->selector);
    return OPTION_EXIT_OK;
}

// Not so for a regular expression: a host that it means may come later.
static bool
s_names_one_instance(const char *text)
{
    char error[MATCHERS_ERROR_SIZE];
    struct selector selector;
    bool found = false;

    if (selector_parse(&selector, text, error) < 0)
        return false;
    for (size_t i = 0; i < selector.count; i++)
        found = found || (selector.terms[i].op == MATCHER_EQUAL &&
                          strcmp(selector.terms[i].name, "instance") == 0);
    selector_release(&selector);
    return found;
}

// Which hosts have series that match now. It also shows that a collector is there.
static int
s_find_hosts(struct tail *self)
{
    struct query_request q = { .type = QUERY_SERIES,
                               .start_ms = clock_real_ms(), // that live
                               .n_selectors = 1 };
    int rc;

    q.selectors[0] = self->selector;
    q.selector_len[0] = strlen(self->selector);
    rc = query_client_series(self->client, &q, ANSWER_MS, s_note_host, self, &self->why, NULL);
    if (rc == ERR_LIMIT)
        rc = 0; // more series than an answer holds: then they are of many hosts, and all are taken
    else if (rc == 0 && map_count(self->hosts) == 0)
        fprintf(stderr, "zpulse tail: no series matches yet; waiting for one\n");
    return rc;
}

static int
s_note_host(void *arg, const struct query_series *series)
{
    struct tail *self = arg;

    map_put_u64(self->hosts, series->host, self);
    return 0;
}

static int
s_subscribe(struct tail *self)
{
    static const struct sock_spec spec = {
        .type = ZMQ_SUB,
        .send_hwm = QUEUE,
        .recv_hwm = SOCK_NO_LIMIT,
        .max_bytes = LIVE_MAX,
        .heartbeat = true,
    };
    static const char kinds[] = { LIVE_APP_ROWS, LIVE_HOST_ROWS };
    char endpoint[ENDPOINT_SIZE];
    int rc = sock_endpoint(endpoint, sizeof endpoint, self->collector, SOCK_LIVE);

    if (rc == 0)
        rc = sock_new(&self->live, &spec, self->curve);
    if (rc == 0)
        rc = sock_connect(self->live, endpoint);
    for (size_t i = 0; i < sizeof kinds && rc == 0; i++)
        rc = s_subscribe_to(self, kinds[i]);
    return rc;
}

// The topics of one kind.
static int
s_subscribe_to(const struct tail *self, char kind)
{
    char topic[LIVE_TOPIC_SIZE];
    struct map_entry entry;

    live_topic(topic, kind, 0);
    // A named host that is not there yet is caught by the subscription to all.
    if (!self->fixed || map_count(self->hosts) == 0)
        return zmq_setsockopt(sock_raw(self->live), ZMQ_SUBSCRIBE, topic, ALL_LEN) == 0 ? 0
                                                                                        : -errno;
    for (size_t at = 0; map_next(self->hosts, &at, &entry);) {
        uint64_t host;

        memcpy(&host, entry.key, sizeof host);
        live_topic(topic, kind, host);
        if (zmq_setsockopt(sock_raw(self->live), ZMQ_SUBSCRIBE, topic, strlen(topic)) == -1)
            return -errno;
    }
    return 0;
}

// 0 at the end that was wanted: a signal, the last line, or nobody who reads.
static int
s_follow(struct tail *self)
{
    zmq_pollitem_t items[2] = {
        { .fd = self->signals, .events = ZMQ_POLLIN },
        { .socket = sock_raw(self->live), .events = ZMQ_POLLIN },
    };

    for (bool stop = false; !stop;) {
        int rc;

        if (zmq_poll(items, 2, -1) == -1 && errno != EINTR)
            return -errno;
        if (s_stopped(self))
            return 0;
        rc = s_take_messages(self, &stop);
        if (rc == 0)
            rc = s_flush(self);
        if (rc < 0)
            return rc == -EINTR ? 0 : rc;
        stop = self->limited && self->left == 0;
    }
    return 0;
}

// What has arrived, up to a budget.
static int
s_take_messages(struct tail *self, bool *stop)
{
    zmq_msg_t topic, body;
    int rc = 1;

    zmq_msg_init(&topic);
    zmq_msg_init(&body);
    for (unsigned i = 0; i < MESSAGES_TURN && rc == 1 && !*stop; i++) {
        rc = sock_recv(self->live, &topic);
        if (rc != 1)
            break;
        // Parts of a message arrive together.
        for (bool more = zmq_msg_more(&topic); more && rc == 1; more = zmq_msg_more(&body))
            rc = sock_recv(self->live, &body);
        if (rc == 1)
            rc = s_take_message(self, &topic, &body);
        *stop = self->limited && self->left == 0;
    }
    zmq_msg_close(&topic);
    zmq_msg_close(&body);
    return rc < 0 ? rc : 0;
}

// Lines that nobody has read for so long are left out; the tables are kept all the same.
static int
s_take_message(struct tail *self, zmq_msg_t *topic, zmq_msg_t *body)
{
    const bool has_room = self->out.len < OUT_MOST;
    const unsigned most = self->limited && self->left < UINT32_MAX ? (unsigned) self->left
                                                                   : UINT32_MAX;
    uint64_t host;
    const int rc = live_lines_take(self->lines, has_room ? &self->out : &self->aside, most, &host,
                                   zmq_msg_data(topic), zmq_msg_size(topic), zmq_msg_data(body),
                                   zmq_msg_size(body));

    buf_clear(&self->aside);
    if (rc > 0 && !has_room)
        self->left_out += (uint64_t) rc;
    else if (rc == ERR_NEED_KEY)
        s_ask_table(self, host);
    else if (rc < 0)
        return rc;
    else if (self->limited)
        self->left -= (uint64_t) rc;
    return 1;
}

// The table of a topic comes with the subscription; who missed it asks for another.
static void
s_ask_table(struct tail *self, uint64_t host)
{
    struct query_request q = { .type = QUERY_TABLE, .host = host };

    // A question that does not get through is asked again with a later row.
    (void) query_client_tell(self->client, &q);
}

// A hang-up counts too: the terminal is gone.
static bool
s_stopped(const struct tail *self)
{
    bool stop = false;

    for (enum service_event event; (event = service_next(self->signals)) != SERVICE_NONE;)
        stop = stop || event == SERVICE_STOP || event == SERVICE_RELOAD;
    return stop;
}

// 0; -EINTR when it is time to end: nobody reads any more, or a signal came while nobody read; or
// another error. While nobody reads, what arrives is taken all the same: libzmq must not be left
// with what it has no room for (SOCK_NO_LIMIT).
static int
s_flush(struct tail *self)
{
    zmq_pollitem_t items[] = {
        { .fd = STDOUT_FILENO, .events = ZMQ_POLLOUT },
        { .fd = self->signals, .events = ZMQ_POLLIN },
        { .socket = sock_raw(self->live), .events = ZMQ_POLLIN },
    };
    bool stop = self->limited && self->left == 0;

    for (size_t at = 0; at < self->out.len;) {
        const size_t left = self->out.len - at;
        int rc = 0;
        ssize_t n;

        if (zmq_poll(items, stop ? 2 : 3, -1) == -1) {
            if (errno != EINTR)
                return -errno;
            continue;
        }
        if (items[1].revents != 0 && s_stopped(self))
            return -EINTR;
        if (items[0].revents == 0 && !stop)
            rc = s_take_messages(self, &stop);
        if (rc < 0)
            return rc;
        if (items[0].revents == 0)
            continue;
        n = write(STDOUT_FILENO, self->out.at + at, left < WRITE_MAX ? left : WRITE_MAX);
        if (n == -1 && errno != EAGAIN && errno != EINTR) {
            self->unwritten = errno != EPIPE ? -errno : 0;
            return -EINTR;
        }
        at += n > 0 ? (size_t) n : 0;
    }
    buf_clear(&self->out);
    if (self->left_out > 0)
        fprintf(stderr, "zpulse tail: %" PRIu64 " lines are left out: nobody read them in time\n",
                self->left_out);
    self->left_out = 0;
    return 0;
}
