// app_json - see the header.
//
// jansson reads the whole text or nothing. What it is told: any value may stand alone (a bare 0 is
// data), a member must not stand twice, and integers become doubles, so that a large one is a large
// number and not an error.

#include "agent/app_json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/iso_time.h"

#define PERCENT 100.0
#define MIB     1048576.0

static const char *s_fault(const json_error_t *error);
static int s_object(struct app_message *m, const char **why_ret, json_t *object);
static int s_color(struct app_message *m, const char **why_ret, const json_t *color);
static void s_time(struct app_message *m, const json_t *timestamp);
static void s_members(struct app_message *m, json_t *object);
static void s_put(struct app_message *m, const char *metric, double value);
static bool s_metric(char out[APP_METRIC_SIZE], const char *member);

int
app_json_parse(struct app_message *ret, const char **why_ret, const void *at, size_t len)
{
    const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    const char *text = at;
    json_error_t error;
    json_t *root;
    int rc = 0;

    ret->kind = APP_MESSAGE_OTHER;
    ret->time = APP_TIME_NONE;
    ret->has_color = false;
    ret->n = ret->refused = 0;
    if (len > APP_JSON_MAX) {
        *why_ret = "more than 64 KiB";
        return ERR_LIMIT;
    }
    // In C a text is easily sent with its terminator.
    if (len > 0 && text[len - 1] == '\0')
        len--;
    // jansson takes a raw NUL for the end and would not look at what is behind it.
    if (len > 0 && memchr(text, '\0', len) != NULL) {
        *why_ret = "NUL in a text";
        return ERR_FORMAT;
    }
    root = json_loadb(text, len, flags, &error);
    if (root == NULL) {
        *why_ret = s_fault(&error);
        return ERR_FORMAT;
    }
    if (json_is_number(root)) {
        ret->kind = APP_MESSAGE_NUMBER;
        s_put(ret, "app_value", json_number_value(root));
    } else if (json_is_object(root)) {
        ret->kind = APP_MESSAGE_OBJECT;
        rc = s_object(ret, why_ret, root);
    }
    json_decref(root);
    return rc;
}

static const char *
s_fault(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_duplicate_key:
        return "a member stands twice";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "NUL in a text";
    case json_error_numeric_overflow:
        return "a number beyond a double";
    case json_error_stack_overflow:
        return "nested deeper than 2,048";
    case json_error_end_of_input_expected:
        return "more than one JSON value";
    case json_error_premature_end_of_input:
        return "JSON that ends too early";
    default:
        return "not JSON";
    }
}

static int
s_object(struct app_message *m, const char **why_ret, json_t *object)
{
    const json_t *cpu = json_object_get(object, "cpu");
    const json_t *mem = json_object_get(object, "mem");
    const int rc = s_color(m, why_ret, json_object_get(object, "color"));

    if (rc < 0)
        return rc;
    s_time(m, json_object_get(object, "timestamp"));
    if (json_is_number(cpu))
        s_put(m, "app_cpu_ratio", json_number_value(cpu) / PERCENT);
    if (json_is_number(mem))
        s_put(m, "app_resident_memory_bytes", json_number_value(mem) * MIB);
    s_members(m, object);
    return 0;
}

// It is the application's name: one that is cut or made up would join two of them.
static int
s_color(struct app_message *m, const char **why_ret, const json_t *color)
{
    const size_t len = json_string_length(color); // 0 for what is no string

    if (color == NULL || json_is_null(color) || (json_is_string(color) && len == 0))
        return 0;
    if (!json_is_string(color)) {
        *why_ret = "a colour that is neither text nor null";
        return ERR_FORMAT;
    }
    if (len > APP_COLOR_MAX) {
        *why_ret = "a colour of more than 128 bytes";
        return ERR_LIMIT;
    }
    memcpy(m->color, json_string_value(color), len + 1);
    m->has_color = true;
    return 0;
}

static void
s_time(struct app_message *m, const json_t *timestamp)
{
    const char *text = json_string_value(timestamp); // NULL for what is no string

    if (timestamp == NULL || json_is_null(timestamp))
        return;
    m->time = APP_TIME_UNKNOWN;
    if (text != NULL && iso_time_parse(&m->time_ms, text, json_string_length(timestamp)) == 0)
        m->time = APP_TIME_GIVEN;
}

static void
s_members(struct app_message *m, json_t *object)
{
    static const char *const known[] = { "color", "timestamp", "cpu", "mem" };
    unsigned taken = 0;
    const char *member;
    json_t *value;

    json_object_foreach(object, member, value)
    {
        char metric[APP_METRIC_SIZE];
        bool own = true;

        for (size_t i = 0; i < sizeof known / sizeof known[0] && own; i++)
            own = strcmp(member, known[i]) != 0;
        if (!own || !json_is_number(value))
            continue;
        if (taken == APP_NUMBERS_MAX || !s_metric(metric, member)) {
            m->refused++;
            continue;
        }
        s_put(m, metric, json_number_value(value));
        taken++;
    }
}

// A product may be beyond a double where the number itself was not.
static void
s_put(struct app_message *m, const char *metric, double value)
{
    if (!isfinite(value)) {
        m->refused++;
        return;
    }
    strcpy(m->numbers[m->n].metric, metric);
    m->numbers[m->n++].value = value;
}

// False for an empty name and one that is too long: cut, it might be another's.
static bool
s_metric(char out[APP_METRIC_SIZE], const char *member)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const size_t len = strlen(member);
    char *at = out + strlen("app_");

    if (len == 0 || len > APP_MEMBER_MAX)
        return false;
    memcpy(out, "app_", strlen("app_"));
    for (size_t i = 0; i < len; i++)
        *at++ = strchr(letters, member[i]) != NULL ? member[i] : '_';
    *at = '\0';
    return true;
}
