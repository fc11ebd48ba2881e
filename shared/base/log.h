// log - lines on stderr: time=... level=... program=... msg="..." key=value ...
//
// Thread: any. Loss: a line that cannot be written at once (a full pipe) is dropped and
// counted, never waited for; the next line that can be written says how many.
// Under systemd (JOURNAL_STREAM names our stderr) lines have a "<N>" priority and no time.
// Values that need it are quoted and escaped: a peer's bytes can not forge a line.

#ifndef SHARED_BASE_LOG_H
#define SHARED_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

// Before the first thread. `program` must live as long as the process.
void log_init(const char *program, enum log_level least);
void log_set_level(enum log_level least);
// "error", "warn", "info", "debug" -> 0 and *ret; else ERR_UNKNOWN.
int log_level_parse(enum log_level *ret, const char *text);
uint64_t log_dropped(void);

// log_info("collector is up", "endpoint=%s port=%u", endpoint, port): `msg` is a constant
// phrase; `fields` a printf format whose values are single words or come quoted from log_quote.
// NULL for no fields.
void log_line(enum log_level level, const char *msg, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));
#define log_error(msg, ...) log_line(LOG_LEVEL_ERROR, msg, __VA_ARGS__)
#define log_warn(msg, ...)  log_line(LOG_LEVEL_WARN, msg, __VA_ARGS__)
#define log_info(msg, ...)  log_line(LOG_LEVEL_INFO, msg, __VA_ARGS__)
#define log_debug(msg, ...) log_line(LOG_LEVEL_DEBUG, msg, __VA_ARGS__)

// `text` as one value: bare if it is a plain word, else quoted with escapes, cut at 200 bytes.
// From one of eight buffers of the calling thread.
const char *log_quote(const char *text);
// The same, always quoted and whole.
void log_quote_put(struct buf *out, const char *text);

// True at most once in `every_ms` for this *last (0 at first): for lines a peer could repeat.
bool log_allow(int64_t *last_ms, int64_t every_ms);

#endif
