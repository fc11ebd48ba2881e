// netstat - see the header.

#include "agent/proc/netstat.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define NETSTAT_TAG   0x4e455453u // "NETS"
#define NETSTAT_FILES 3
#define FILE_NAMES    2 // place of snmp6 among them: its form is another
#define METRIC_SIZE   (NETSTAT_NAME_SIZE + 16)
#define SLOW_MS       5000 // see the header

// What node_exporter's own expression takes in.
static const struct wanted {
    const char *protocol; // NULL: any
    const char *name;
    bool begins; // every name that begins so
} wanted[] = {
    { NULL, "InErrors", false },        { NULL, "InErrs", false },
    { "Ip", "Forwarding", false },      { "Ip6", "InOctets", false },
    { "Ip6", "OutOctets", false },      { "IpExt", "InOctets", false },
    { "IpExt", "OutOctets", false },    { "Icmp", "InMsgs", false },
    { "Icmp", "OutMsgs", false },       { "Icmp6", "InMsgs", false },
    { "Icmp6", "OutMsgs", false },      { "TcpExt", "Listen", true },
    { "TcpExt", "Syncookies", true },   { "TcpExt", "TCPSynRetrans", false },
    { "TcpExt", "TCPTimeouts", false }, { "Tcp", "ActiveOpens", false },
    { "Tcp", "CurrEstab", false },      { "Tcp", "InSegs", false },
    { "Tcp", "OutRsts", false },        { "Tcp", "OutSegs", false },
    { "Tcp", "PassiveOpens", false },   { "Tcp", "RetransSegs", false },
    { "Udp", "InDatagrams", false },    { "Udp", "NoPorts", false },
    { "Udp", "OutDatagrams", false },   { "Udp", "RcvbufErrors", false },
    { "Udp", "SndbufErrors", false },   { "Udp6", "InDatagrams", false },
    { "Udp6", "NoPorts", false },       { "Udp6", "OutDatagrams", false },
    { "Udp6", "RcvbufErrors", false },  { "Udp6", "SndbufErrors", false },
};
#define N_WANTED (sizeof wanted / sizeof wanted[0])

// What a look at a text with the layout of the one before found.
enum look { LOOK_SAME, LOOK_MOVED, LOOK_BAD };

struct netstat_state {
    unsigned tag; // NETSTAT_TAG
    struct netstat files[NETSTAT_FILES];
    uint32_t layouts[NETSTAT_FILES]; // of each file, when its slots were made
    uint32_t slots[NETSTAT_FILES][NETSTAT_FIELDS_MAX];
};

static enum look s_look(struct netstat *out, struct proc_text rest);
static bool s_numbers(struct netstat *out, uint32_t pair, uint32_t *field,
                      struct proc_text protocol, struct proc_text line);
static int s_learn(struct netstat *out, struct proc_text rest);
static int s_learn_pair(struct netstat *out, struct proc_text head);
static enum look s_look_names(struct netstat *out, struct proc_text rest);
static int s_learn_names(struct netstat *out, struct proc_text rest);
static int s_add(struct netstat *out, struct proc_text protocol, struct proc_text name,
                 uint32_t column);

int
netstat_parse(struct netstat *out, const char *text, size_t len)
{
    const struct proc_text whole = proc_text(text, len);
    enum look look = out->lines > 0 ? s_look(out, whole) : LOOK_MOVED;

    if (look == LOOK_MOVED) {
        if (s_learn(out, whole) < 0) {
            out->lines = 0;
            return ERR_FORMAT;
        }
        look = s_look(out, whole);
    }
    return look == LOOK_SAME ? (int) out->n : ERR_FORMAT;
}

static enum look
s_look(struct netstat *out, struct proc_text rest)
{
    const uint8_t *head = out->heads.at;
    uint32_t field = 0;
    struct proc_text line, protocol;

    for (uint32_t i = 0; i < out->lines; i++) {
        const uint32_t len = out->pairs[i].head_len;

        if (proc_text_len(&rest) < len || memcmp(rest.at, head, len) != 0)
            return LOOK_MOVED;
        line = (struct proc_text){ .at = rest.at, .end = rest.at + len - 1 };
        protocol = proc_text_word(&line);
        rest.at += len;
        head += len;
        if (!proc_text_line(&rest, &line) || !s_numbers(out, i, &field, protocol, line))
            return LOOK_BAD;
    }
    return proc_text_line(&rest, &line) ? LOOK_MOVED : LOOK_SAME;
}

// Over `n` words of the line; false if there are fewer.
static bool
s_skip(struct proc_text *line, uint32_t n)
{
    const char *c = line->at;

    for (; n > 0; n--) {
        while (c < line->end && (*c == ' ' || *c == '\t'))
            c++;
        if (c == line->end)
            return false;
        while (c < line->end && *c != ' ' && *c != '\t')
            c++;
    }
    line->at = c;
    return true;
}

// The pair's second line: the wanted numbers of it, which begin at *field. True if it fits the
// first.
static bool
s_numbers(struct netstat *out, uint32_t pair, uint32_t *field, struct proc_text protocol,
          struct proc_text line)
{
    const struct proc_text again = proc_text_word(&line);
    uint32_t word = 0; // words read

    if (proc_text_len(&again) != proc_text_len(&protocol) ||
        memcmp(again.at, protocol.at, proc_text_len(&protocol)) != 0)
        return false;
    for (; *field < out->n && out->fields[*field].line == pair; ++*field) {
        struct netstat_field *at = &out->fields[*field];

        if (!s_skip(&line, at->column - 1 - word) || proc_number_take(&line, &at->value) != 1)
            return false;
        word = at->column;
    }
    return s_skip(&line, out->pairs[pair].words - word) && !s_skip(&line, 1);
}

// What the headings say, of the text at hand and from here on.
static int
s_learn(struct netstat *out, struct proc_text rest)
{
    struct proc_text head, numbers;
    int rc = 0;

    out->n = 0;
    out->lines = 0;
    out->layouts++;
    buf_clear(&out->heads);
    while (rc == 0 && proc_text_line(&rest, &head))
        rc = proc_text_line(&rest, &numbers) ? s_learn_pair(out, head) : ERR_FORMAT;
    return rc < 0 || out->lines == 0 ? ERR_FORMAT : 0;
}

static int
s_learn_pair(struct netstat *out, struct proc_text head)
{
    struct netstat_pair pair = { .head_len = (uint32_t) proc_text_len(&head) + 1 };
    const char *const at = head.at;
    struct proc_text protocol = proc_text_word(&head);
    struct proc_text name;

    if (out->lines == NETSTAT_PAIRS_MAX || proc_text_len(&protocol) < 2 || protocol.end[-1] != ':')
        return ERR_FORMAT;
    protocol.end--;
    while (name = proc_text_word(&head), proc_text_len(&name) > 0) {
        pair.words++;
        if (s_add(out, protocol, name, pair.words) < 0)
            return ERR_FORMAT;
    }
    buf_bytes(&out->heads, at, pair.head_len);
    out->pairs[out->lines++] = pair;
    return 0;
}

static bool
s_is_wanted(const struct proc_text *protocol, const struct proc_text *name)
{
    for (size_t i = 0; i < N_WANTED; i++) {
        const size_t len = strlen(wanted[i].name);

        if (wanted[i].protocol != NULL && !proc_text_is(protocol, wanted[i].protocol))
            continue;
        if (proc_text_len(name) >= len && memcmp(name->at, wanted[i].name, len) == 0 &&
            (wanted[i].begins || proc_text_len(name) == len))
            return true;
    }
    return false;
}

// The next field, of line out->lines, if it is wanted. A name too long is none of the kernel's.
static int
s_add(struct netstat *out, struct proc_text protocol, struct proc_text name, uint32_t column)
{
    struct netstat_field *field = &out->fields[out->n];

    if (!s_is_wanted(&protocol, &name))
        return 0;
    if (out->n == NETSTAT_FIELDS_MAX ||
        proc_text_len(&protocol) + proc_text_len(&name) + 2 > NETSTAT_NAME_SIZE)
        return ERR_FORMAT;
    *field = (struct netstat_field){ .split = (uint32_t) proc_text_len(&protocol),
                                     .line = out->lines,
                                     .column = column };
    memcpy(field->name, protocol.at, field->split);
    field->name[field->split] = '_';
    memcpy(field->name + field->split + 1, name.at, proc_text_len(&name));
    out->n++;
    return 0;
}

int
netstat_parse_names(struct netstat *out, const char *text, size_t len)
{
    const struct proc_text whole = proc_text(text, len);
    enum look look = out->lines > 0 ? s_look_names(out, whole) : LOOK_MOVED;

    if (look == LOOK_MOVED) {
        if (s_learn_names(out, whole) < 0) {
            out->lines = 0;
            return ERR_FORMAT;
        }
        look = s_look_names(out, whole);
    }
    return look == LOOK_SAME ? (int) out->n : ERR_FORMAT;
}

// "Ip6InOctets" is the field "Ip6_InOctets".
static bool
s_is_name(const struct netstat_field *field, const struct proc_text *name)
{
    const size_t len = strlen(field->name + field->split + 1);

    return proc_text_len(name) == field->split + len &&
           memcmp(name->at, field->name, field->split) == 0 &&
           memcmp(name->at + field->split, field->name + field->split + 1, len) == 0;
}

static enum look
s_look_names(struct netstat *out, struct proc_text rest)
{
    struct proc_text line;
    uint32_t lines = 0, field = 0;

    for (; proc_text_line(&rest, &line); lines++) {
        struct proc_text name;

        if (field == out->n || out->fields[field].line != lines)
            continue;
        name = proc_text_word(&line);
        if (!s_is_name(&out->fields[field], &name))
            return LOOK_MOVED;
        if (proc_number_take(&line, &out->fields[field].value) != 1)
            return LOOK_BAD;
        field++;
    }
    return lines == out->lines ? LOOK_SAME : LOOK_MOVED;
}

// The protocol is what stands before the first 6, with it: "UdpLite6", but a line without one is
// none of ours.
static int
s_learn_names(struct netstat *out, struct proc_text rest)
{
    struct proc_text line;

    out->n = 0;
    out->layouts++;
    for (out->lines = 0; proc_text_line(&rest, &line); out->lines++) {
        const struct proc_text key = proc_text_word(&line);
        const char *six = proc_text_len(&key) > 0 ? memchr(key.at, '6', proc_text_len(&key)) : NULL;

        if (six == NULL)
            continue;
        if (s_add(out, (struct proc_text){ .at = key.at, .end = six + 1 },
                  (struct proc_text){ .at = six + 1, .end = key.end }, 0) < 0)
            return ERR_FORMAT;
    }
    return out->lines > 0 ? 0 : ERR_FORMAT;
}

void
netstat_release(struct netstat *netstat)
{
    buf_release(&netstat->heads);
    *netstat = (struct netstat){ 0 };
}

static void *
s_make(const struct proc_setup *setup)
{
    struct netstat_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = NETSTAT_TAG;
    return self;
}

static void
s_make_series(struct netstat_state *self, series_table_t *table, size_t file)
{
    const struct netstat *netstat = &self->files[file];
    char name[METRIC_SIZE];
    const struct series_spec spec = {
        .name = name,
        .kind = METRIC_UNTYPED,
        .form = { .exponent = 0, .unit = 1 },
        .job = "node",
        .help = "Statistic of a network protocol, by its name in /proc/net.",
    };

    for (uint32_t i = 0; i < netstat->n; i++) {
        snprintf(name, sizeof name, "node_netstat_%s", netstat->fields[i].name);
        self->slots[file][i] = series_table_slot(table, &spec, NULL, 0);
    }
    self->layouts[file] = netstat->layouts;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct netstat_state *self = arg;
    struct netstat *netstat;
    int n;

    assert(self->tag == NETSTAT_TAG && file < NETSTAT_FILES);
    netstat = &self->files[file];
    n = file == FILE_NAMES ? netstat_parse_names(netstat, text, len)
                           : netstat_parse(netstat, text, len);
    if (n >= 0 && self->layouts[file] != netstat->layouts)
        s_make_series(self, table, file);
    for (int i = 0; i < n; i++)
        proc_number_set(table, self->slots[file][i], netstat->fields[i].value);
    return n < 0 ? n : 0;
}

static void
s_end(void **self_p)
{
    struct netstat_state *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < NETSTAT_FILES; i++)
        netstat_release(&self->files[i]);
    free(self);
    *self_p = NULL;
}

const struct proc_family netstat_family = {
    .name = "netstat",
    .files = { { .path = "proc/net/netstat", .every_ms = SLOW_MS },
               { .path = "proc/net/snmp" },
               [FILE_NAMES] = { .path = "proc/net/snmp6", .optional = true, .every_ms = SLOW_MS } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
