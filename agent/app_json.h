// app_json - what one message of an application says.
//
// In:     the bytes of one message: UTF-8 JSON (RFC 8259) of at most APP_JSON_MAX bytes; one NUL at
//         its end is overlooked.
// Out:    an object's numbers under the names of their metrics, its colour and its time; or a bare
//         number. 0, "", {}, null, true, false and arrays are data without numbers, never an end.
// Source: the application's object is {"color": text or null, "timestamp": ISO 8601, "cpu": percent
//         of one core, "mem": MiB} and any further numeric members.
//           cpu   -> app_cpu_ratio, divided by 100
//           mem   -> app_resident_memory_bytes, times 2^20
//           NAME  -> app_NAME; what may not stand in a metric's name becomes '_'
//         A bare number is app_value.
// Limits: APP_NUMBERS_MAX further members, names of APP_MEMBER_MAX bytes, a colour of
//         APP_COLOR_MAX; nested as deep as jansson goes (2,048). A duplicate member, NUL in a text,
//         a number beyond a double, NaN and Infinity (which are no JSON) make the whole message
//         bad.
// Thread: one owner of a struct app_message. Pure, but for jansson's memory.

#ifndef AGENT_APP_JSON_H
#define AGENT_APP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APP_JSON_MAX    65536 // bytes of a message
#define APP_COLOR_MAX   128   // bytes
#define APP_MEMBER_MAX  100   // bytes
#define APP_NUMBERS_MAX 64    // beside cpu and mem
#define APP_METRIC_SIZE (sizeof "app_" + APP_MEMBER_MAX)

enum app_message_kind {
    APP_MESSAGE_OBJECT,
    APP_MESSAGE_NUMBER, // bare: numbers[0] is app_value
    APP_MESSAGE_OTHER,  // text, null, true, false or an array: nothing to keep
};

enum app_message_time {
    APP_TIME_NONE,    // no member "timestamp", or null
    APP_TIME_GIVEN,   // time_ms holds
    APP_TIME_UNKNOWN, // it has one, but not one that can be read
};

struct app_number {
    char metric[APP_METRIC_SIZE];
    double value; // finite; in the metric's unit
};

// A value; large, so one is kept and filled again and again. Zero is valid.
struct app_message {
    enum app_message_kind kind;
    enum app_message_time time;
    int64_t time_ms;               // since the epoch
    bool has_color;                // else null or no member
    char color[APP_COLOR_MAX + 1]; // not empty if it has one
    unsigned n;                    // numbers, in the message's order behind cpu and mem
    unsigned refused;              // numeric members that no rule above admits
    struct app_number numbers[APP_NUMBERS_MAX + 2];
};

// 0 and *ret; or below zero and, in *why_ret, the rule that is broken as a constant phrase:
// ERR_LIMIT (too long, a colour too long), ERR_FORMAT (anything else).
int app_json_parse(struct app_message *ret, const char **why_ret, const void *at, size_t len);

#endif
