// zap_request - see the header.

#include "collector/zap_request.h"

#include <stdbool.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/net/curve.h"

enum { PART_EMPTY, PART_VERSION, PART_ID, PART_DOMAIN, PART_ADDRESS, PART_ROUTING, PART_MECHANISM };
#define PART_KEY 7
#define N_PARTS  8

static bool s_is(const struct zap_part *part, const char *text);
static struct zap_part s_text(const char *text);

int
zap_request_take(struct zap_request *ret, const struct zap_part *parts, size_t n)
{
    memset(ret, 0, sizeof *ret);
    if (n <= PART_ID || parts[PART_EMPTY].len != 0 || !s_is(&parts[PART_VERSION], "1.0") ||
        parts[PART_ID].len == 0 || parts[PART_ID].len > ZAP_ID_MOST)
        return ERR_FORMAT;
    ret->id = parts[PART_ID];
    if (n != N_PARTS || !s_is(&parts[PART_MECHANISM], "CURVE") ||
        parts[PART_KEY].len != KEY_BYTES ||
        curve_door(&ret->door, (const char *) parts[PART_DOMAIN].at, parts[PART_DOMAIN].len) < 0)
        return ERR_FORMAT;
    ret->address = parts[PART_ADDRESS];
    memcpy(ret->key, parts[PART_KEY].at, KEY_BYTES);
    return 0;
}

void
zap_answer_put(struct zap_part ret[ZAP_ANSWER_MOST], const struct zap_part *id, int code,
               const char *user)
{
    ret[0] = s_text("");
    ret[1] = s_text("1.0");
    ret[2] = *id;
    // Whatever else is meant: nobody comes in by it.
    ret[3] = s_text(code == 200 ? "200" : code == 300 ? "300" : "400");
    ret[4] = s_text(code == 200 ? "in" : code == 300 ? "not known yet" : "not here");
    ret[5] = s_text(code == 200 ? user : "");
    ret[6] = s_text("");
}

static bool
s_is(const struct zap_part *part, const char *text)
{
    return part->len == strlen(text) && memcmp(part->at, text, part->len) == 0;
}

static struct zap_part
s_text(const char *text)
{
    return (struct zap_part){ (const uint8_t *) text, strlen(text) };
}
