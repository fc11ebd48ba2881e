// readiness - see readiness.h.

#include "collector/ctl/readiness.h"

#include <stdint.h>
#include <string.h>

#include "collector/ctl/http_get.h"
#include "shared/base/str.h"

#define LAST_KEY "\"last_ms\":" // in no text of JSON but as a key: quotes in a text are escaped

enum readiness
readiness_ask(const char *address, bool agent, int timeout_ms)
{
    const char *path = agent ? "/api/v1/hosts" : "/-/ready";
    struct buf body = { 0 };
    enum readiness step = READINESS_NONE;
    unsigned status;

    if (http_get(&status, &body, address, path, timeout_ms) == 0) {
        if (agent)
            step = readiness_of_hosts(status, buf_cstr(&body), body.len);
        else
            step = status == 200 ? READINESS_ALL : READINESS_DASHBOARD;
    }
    buf_release(&body);
    return step;
}

enum readiness
readiness_of_hosts(unsigned status, const char *body, size_t len)
{
    const size_t key = strlen(LAST_KEY);
    const char *at = body, *end = body + len;
    enum readiness step = READINESS_COLLECTOR;

    if (status != 200)
        return READINESS_DASHBOARD;
    while ((at = memmem(at, (size_t) (end - at), LAST_KEY, key)) != NULL) {
        size_t digits = 0;
        uint64_t last_ms;

        at += key;
        while (at + digits < end && at[digits] >= '0' && at[digits] <= '9')
            digits++;
        step = READINESS_AGENT;
        if (str_u64(&last_ms, at, digits) == 0 && last_ms > 0)
            return READINESS_ALL;
    }
    return step;
}

const char *
readiness_missing(enum readiness step)
{
    static const char *const missing[] = {
        [READINESS_NONE] = "the dashboard does not answer",
        [READINESS_DASHBOARD] = "the dashboard does not reach the collector",
        [READINESS_COLLECTOR] = "the collector knows no host: the agent has not reached it",
        [READINESS_AGENT] = "no sample of the agent has reached the dashboard",
        [READINESS_ALL] = "nothing is missing",
    };

    return missing[step];
}
