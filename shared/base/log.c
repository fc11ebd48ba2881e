// log - lines on stderr.
//
// A line is built whole on the stack and goes out in one write, so lines of several threads and
// of several programs on one pipe do not mix. It is at most 4,096 bytes: as much as a pipe that
// polls writable takes without waiting.

#include "shared/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"

#define LINE_SIZE     4096 // PIPE_BUF
#define TAIL_SIZE     40   // kept free for " dropped=N" and the line's end
#define QUOTE_MAX     200  // bytes of a value that log_quote keeps
#define QUOTE_SIZE    (QUOTE_MAX * 4 + sizeof "\"\"...")
#define QUOTE_BUFFERS 8

static const struct {
    const char *name;
    int priority; // as syslog(3) counts
} levels[] = {
    [LOG_LEVEL_ERROR] = { "error", 3 },
    [LOG_LEVEL_WARN] = { "warn", 4 },
    [LOG_LEVEL_INFO] = { "info", 6 },
    [LOG_LEVEL_DEBUG] = { "debug", 7 },
};
#define N_LEVELS (sizeof levels / sizeof levels[0])

struct line {
    char text[LINE_SIZE];
    size_t len;
};

static struct {
    const char *program;
    bool journal;             // systemd adds the time itself
    _Atomic unsigned least;   // enum log_level
    _Atomic uint64_t dropped; // since the start
    uint64_t told;            // of those, how many a line has told of; under lock
    pthread_mutex_t lock;     // poll and write are one step
} state = { .program = "zpulse", .least = LOG_LEVEL_INFO, .lock = PTHREAD_MUTEX_INITIALIZER };

static bool s_is_journal(void);
static void s_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void s_add_v(struct line *line, const char *format, va_list args);
static void s_add_stamp(struct line *line, enum log_level level);
static void s_defuse(struct line *line);
static bool s_write(const char *text, size_t n);
static int s_escape(char to[5], unsigned char c);
static bool s_is_word(const char *text);

void
log_init(const char *program, enum log_level least)
{
    state.program = program;
    state.journal = s_is_journal();
    log_set_level(least);
}

void
log_set_level(enum log_level least)
{
    atomic_store(&state.least, (unsigned) least);
}

int
log_level_parse(enum log_level *ret, const char *text)
{
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *ret = (enum log_level) i;
            return 0;
        }
    }
    return ERR_UNKNOWN;
}

uint64_t
log_dropped(void)
{
    return atomic_load(&state.dropped);
}

void
log_line(enum log_level level, const char *msg, const char *fields, ...)
{
    int saved = errno; // callers log between a failure and its errno's use
    struct line line = { .len = 0 };
    uint64_t dropped;
    va_list args;

    if ((unsigned) level > atomic_load(&state.least))
        return;
    s_add_stamp(&line, level);
    s_add(&line, "level=%s program=%s msg=\"%s\"", levels[level].name, state.program, msg);
    if (fields != NULL) {
        s_add(&line, " ");
        va_start(args, fields);
        s_add_v(&line, fields, args);
        va_end(args);
    }
    s_defuse(&line);

    pthread_mutex_lock(&state.lock);
    dropped = atomic_load(&state.dropped);
    if (dropped != state.told)
        line.len += (size_t) snprintf(line.text + line.len, TAIL_SIZE, " dropped=%llu",
                                      (unsigned long long) (dropped - state.told));
    line.text[line.len++] = '\n';
    if (s_write(line.text, line.len))
        state.told = dropped;
    else
        atomic_fetch_add(&state.dropped, 1);
    pthread_mutex_unlock(&state.lock);
    errno = saved;
}

const char *
log_quote(const char *text)
{
    static _Thread_local char buffers[QUOTE_BUFFERS][QUOTE_SIZE];
    static _Thread_local unsigned next;
    char *buffer = buffers[next++ % QUOTE_BUFFERS], *to = buffer;
    size_t len = strnlen(text, QUOTE_MAX + 1);
    size_t kept = len > QUOTE_MAX ? QUOTE_MAX : len;

    if (len <= QUOTE_MAX && s_is_word(text)) {
        memcpy(buffer, text, len + 1);
        return buffer;
    }
    *to++ = '"';
    for (size_t i = 0; i < kept; i++)
        to += s_escape(to, (unsigned char) text[i]);
    strcpy(to, len > kept ? "...\"" : "\"");
    return buffer;
}

void
log_quote_put(struct buf *out, const char *text)
{
    char one[sizeof "\\xff"];

    buf_byte(out, '"');
    for (; *text != '\0'; text++)
        buf_bytes(out, one, (size_t) s_escape(one, (unsigned char) *text));
    buf_byte(out, '"');
}

// All but printable ASCII as hex: a terminal takes orders from the rest. How many bytes it is.
static int
s_escape(char to[5], unsigned char c)
{
    if (c < 0x20 || c > 0x7e)
        return sprintf(to, "\\x%02x", c);
    if (c == '"' || c == '\\')
        return sprintf(to, "\\%c", c);
    *to = (char) c;
    return 1;
}

bool
log_allow(int64_t *last_ms, int64_t every_ms)
{
    int64_t now = clock_mono_ms() + 1; // never the 0 that means "not yet"

    if (*last_ms != 0 && now - *last_ms < every_ms)
        return false;
    *last_ms = now;
    return true;
}

// JOURNAL_STREAM is "device:inode" of the stream systemd gave; whoever redirects standard error
// leaves the variable as it was.
static bool
s_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char ours[sizeof "18446744073709551615:18446744073709551615"];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
        return false;
    snprintf(ours, sizeof ours, "%llu:%llu", (unsigned long long) st.st_dev,
             (unsigned long long) st.st_ino);
    return strcmp(stream, ours) == 0;
}

static void
s_add(struct line *line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    s_add_v(line, format, args);
    va_end(args);
}

// Appends, but keeps the tail free; what does not fit ends in "...".
static void
s_add_v(struct line *line, const char *format, va_list args)
{
    size_t left = LINE_SIZE - TAIL_SIZE - line->len;
    int n = vsnprintf(line->text + line->len, left, format, args);

    if (n < 0)
        return;
    if ((size_t) n < left) {
        line->len += (size_t) n;
        return;
    }
    line->len = LINE_SIZE - TAIL_SIZE - 1;
    if (left > sizeof "...")
        memcpy(line->text + line->len - 3, "...", 3);
}

static void
s_add_stamp(struct line *line, enum log_level level)
{
    int64_t now = clock_real_ms();
    time_t seconds = (time_t) (now / 1000);
    char text[sizeof "2026-01-02T03:04:05"];
    struct tm utc;

    if (state.journal) {
        s_add(line, "<%d>", levels[level].priority);
        return;
    }
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    s_add(line, "time=%s.%03dZ ", text, (int) (now % 1000));
}

// A value that came here unquoted still cannot begin a line or steer a terminal.
static void
s_defuse(struct line *line)
{
    for (size_t i = 0; i < line->len; i++)
        if ((unsigned char) line->text[i] < 0x20 || line->text[i] == 0x7f)
            line->text[i] = '?';
}

// False if all of it cannot go at once. Standard error may be shared with other programs, so it
// is not made non-blocking: a socket (systemd) takes a flag, all else is asked first.
static bool
s_write(const char *text, size_t n)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    ssize_t done = send(STDERR_FILENO, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (done < 0 && errno == ENOTSOCK) {
        // A pipe nobody reads is POLLERR, before write would raise SIGPIPE.
        if (poll(&out, 1, 0) != 1 || out.revents != POLLOUT)
            return false;
        done = write(STDERR_FILENO, text, n);
    }
    return done == (ssize_t) n;
}

static bool
s_is_word(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        if (c <= 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return true;
}
