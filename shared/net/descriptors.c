// descriptors - see the header.

#include "shared/net/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "shared/base/log.h"

#define SPARE_SHARE 32 // of the limit, one in so many is kept back
#define SPARE_LEAST 16

static int s_set(rlim_t soft, rlim_t hard);

uint64_t
descriptors_raise(uint64_t want)
{
    struct rlimit files;
    int rc = 0;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1)
        return SPARE_LEAST; // fails for a bad address only
    if (files.rlim_max < want) {
        rc = s_set(want, want);
        if (rc == 0)
            files.rlim_cur = files.rlim_max = want;
    }
    if (files.rlim_cur < files.rlim_max && s_set(files.rlim_max, files.rlim_max) == 0)
        files.rlim_cur = files.rlim_max;
    if (files.rlim_cur < want)
        log_info("fewer files and connections than wanted may be open (LimitNOFILE=, ulimit -n)",
                 "limit=%llu wanted=%llu error=%s", (unsigned long long) files.rlim_cur,
                 (unsigned long long) want, log_quote(strerror(-rc)));
    return files.rlim_cur;
}

uint64_t
descriptors_for_peers(uint64_t limit, uint64_t own)
{
    const uint64_t share = limit / SPARE_SHARE;
    const uint64_t spare = share > SPARE_LEAST ? share : SPARE_LEAST;

    // RLIM_INFINITY and sums beyond it come out right too.
    return limit > spare && limit - spare > own ? limit - spare - own : 1;
}

uint64_t
descriptors_wanted(uint64_t peers, uint64_t own)
{
    uint64_t limit = peers + own + SPARE_LEAST;

    // The spare grows with the limit, so a few steps settle it.
    while (descriptors_for_peers(limit, own) < peers)
        limit += peers - descriptors_for_peers(limit, own);
    return limit;
}

static int
s_set(rlim_t soft, rlim_t hard)
{
    const struct rlimit files = { .rlim_cur = soft, .rlim_max = hard };

    return setrlimit(RLIMIT_NOFILE, &files) == 0 ? 0 : -errno;
}
