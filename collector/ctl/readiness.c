// readiness - see readiness.h.

#include "collector/ctl/readiness.h"

#include <fcntl.h>
#include <string.h>

#include "collector/ctl/http_get.h"
#include "shared/base/file.h"
#include "shared/base/str.h"

#define ID_BYTES 64 // more than a file of an id has

static bool s_host_id(char ret[STR_HEX64_SIZE], const struct readiness_agent *agent);
static const char *s_object(const char *body, const char *begin, size_t *len);
static const char *s_value(const char *at, size_t len, const char *key);

enum readiness
readiness_ask(const char *address, struct readiness_agent *agent, int timeout_ms)
{
    const char *path = agent != NULL ? "/api/v1/hosts" : "/-/ready";
    struct buf body = { 0 };
    enum readiness step = READINESS_NONE;
    char id[STR_HEX64_SIZE];
    unsigned status;

    if (http_get(&status, &body, address, path, timeout_ms) == 0) {
        if (agent == NULL)
            step = status == 200 ? READINESS_ALL : READINESS_DASHBOARD;
        else if (s_host_id(id, agent))
            step = readiness_of_hosts(status, buf_cstr(&body), id, agent);
        else
            step = status == 200 ? READINESS_COLLECTOR : READINESS_DASHBOARD;
    }
    buf_release(&body);
    return step;
}

// The agent makes it at its first start, under its lock.
static bool
s_host_id(char ret[STR_HEX64_SIZE], const struct readiness_agent *agent)
{
    struct buf path = { 0 }, text = { 0 };
    uint64_t id = 0;
    bool ok;

    buf_printf(&path, "%s/host_id", agent->data);
    ok = file_read(&text, AT_FDCWD, buf_cstr(&path), ID_BYTES) >= STR_HEX64_SIZE - 1 &&
         str_hex64(&id, buf_cstr(&text), STR_HEX64_SIZE - 1) == 0;
    if (ok)
        str_hex64_put(ret, id);
    buf_release(&text);
    buf_release(&path);
    return ok;
}

enum readiness
readiness_of_hosts(unsigned status, const char *body, const char *id, struct readiness_agent *agent)
{
    const char *host, *state, *last;
    struct buf begin = { 0 };
    uint64_t last_ms = 0;
    size_t len, digits;

    if (status != 200)
        return READINESS_DASHBOARD;
    buf_printf(&begin, "\"id\":\"%s\"", id);
    host = s_object(body, buf_cstr(&begin), &len);
    buf_release(&begin);
    if (host == NULL)
        return READINESS_COLLECTOR;
    state = s_value(host, len, "state");
    last = s_value(host, len, "last_ms");
    digits = last != NULL ? strspn(last, "0123456789") : 0;
    if (digits == 0 || str_u64(&last_ms, last, digits) != 0)
        last_ms = 0;
    if (agent->seen_ms == 0)
        agent->seen_ms = last_ms;
    // Of before are also a host that is silent, or that has said its end.
    if (state == NULL || (strncmp(state, "\"up\"", 4) != 0 && strncmp(state, "\"late\"", 6) != 0))
        return READINESS_COLLECTOR;
    // The stamps are of the host's clock, which is this one, as long as nobody sets it: then it is
    // that they go on which counts.
    return last_ms > 0 && (last_ms >= agent->started_ms || last_ms > agent->seen_ms)
               ? READINESS_ALL
               : READINESS_AGENT;
}

// The object of an array whose members begin with `begin`, up to the next object. Neither this nor
// a key can stand in a text of JSON: quotes are escaped there.
static const char *
s_object(const char *body, const char *begin, size_t *len)
{
    const char *at = strstr(body, begin);
    const char *next = at != NULL ? strstr(at + 1, "\"id\":") : NULL;

    *len = next != NULL ? (size_t) (next - at) : at != NULL ? strlen(at) : 0;
    return at;
}

// What stands behind a key.
static const char *
s_value(const char *at, size_t len, const char *key)
{
    struct buf member = { 0 };
    const char *found;

    buf_printf(&member, "\"%s\":", key);
    found = memmem(at, len, member.at, member.len);
    found = found != NULL ? found + member.len : NULL;
    buf_release(&member);
    return found;
}

void
readiness_missing(struct buf *why, enum readiness step, const char *address,
                  const struct readiness_agent *agent, int timeout_ms)
{
    static const char *const missing[] = {
        [READINESS_NONE] = "the dashboard does not answer",
        [READINESS_DASHBOARD] = "the dashboard does not reach the collector",
        [READINESS_COLLECTOR] = "the agent has not reached the collector",
        [READINESS_AGENT] = "no sample of the agent has reached the dashboard",
        [READINESS_ALL] = "nothing is missing",
    };
    struct buf body = { 0 }, words = { 0 };
    char id[STR_HEX64_SIZE] = "";
    unsigned status;

    if (step == READINESS_COLLECTOR && agent != NULL) {
        s_host_id(id, agent);
        if (http_get(&status, &body, address, "/api/v1/refused", timeout_ms) == 0 &&
            status == 200 && readiness_refused(&words, buf_cstr(&body), id, agent))
            buf_printf(why, "the collector sends the agent away: %s", buf_cstr(&words));
    }
    if (why->len == 0)
        buf_str(why, missing[step]);
    buf_release(&words);
    buf_release(&body);
}

bool
readiness_refused(struct buf *why, const char *body, const char *id,
                  const struct readiness_agent *agent)
{
    const char *words = NULL, *object;
    struct buf begin = { 0 };
    size_t len, n = 0;

    buf_printf(&begin, "\"id\":\"%s\"", id);
    object = s_object(body, buf_cstr(&begin), &len);
    // A key that is revoked does not come as far as to say its host id.
    if (object == NULL) {
        buf_clear(&begin);
        buf_printf(&begin, "\"id\":null,\"name\":\"%s\"", agent->name);
        object = s_object(body, buf_cstr(&begin), &len);
    }
    buf_release(&begin);
    if (object != NULL)
        words = s_value(object, len, "why");
    // The words are the dashboard's own: nothing is escaped in them.
    if (words != NULL && words[0] == '"')
        n = strcspn(++words, "\"\\");
    buf_bytes(why, words, n);
    return n > 0;
}
