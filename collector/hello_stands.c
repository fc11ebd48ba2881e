// hello_stands - see the header.

#include "collector/hello_stands.h"

#include "shared/base/log.h"

// 1 and what the files have of the HELLO's stream `i`; 0: no more than the journal; or -EAGAIN.
static int
s_ask(const struct hello_stands *self, const struct hello *hello, uint32_t i, uint64_t *next_ret,
      uint64_t *total_ret)
{
    const struct hello_stream *stream = &hello->streams[i];
    const uint64_t next = ingest_next(self->ingest, hello->id.host, stream->stream);
    int rc;

    if (self->store == NULL || hello->collector != self->collector || stream->acked_here <= next)
        return 0;
    rc = local_store_stands(self->store, stream->stream, next_ret, total_ret);
    return rc == 1 && *next_ret <= next ? 0 : rc;
}

bool
hello_stands_known(const struct hello_stands *self, const struct hello *hello)
{
    uint64_t next, total;
    bool known = true;

    for (uint32_t i = 0; i < hello->n_streams && known; i++)
        known = s_ask(self, hello, i, &next, &total) >= 0;
    return known;
}

void
hello_stands_raise(const struct hello_stands *self, const struct hello *hello)
{
    uint64_t next, total;

    for (uint32_t i = 0; i < hello->n_streams; i++) {
        if (s_ask(self, hello, i, &next, &total) != 1)
            continue;
        log_warn("the store has more of a stream than the journal, as after a backup was put "
                 "back: it goes on behind that",
                 "stream=%016llx next=%llu", (unsigned long long) hello->streams[i].stream,
                 (unsigned long long) next);
        ingest_stands(self->ingest, hello->id.host, hello->streams[i].stream, next, total);
    }
}
