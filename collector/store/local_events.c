// local_events - events of hosts on their way to the disk, and back from it after a start.
//
// They wait in the order in which they came. Until they are on the disk they count among what the
// journal is needed for.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/local_inner.h"
#include "collector/store/sqlite_aside.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define EVENTS_NAME "events.db"
#define EXPIRE_MS   (10 * 60 * 1000)

static int s_open(struct local_events *self);
static int s_set_aside(struct local_events *self, int why);
static void s_add(struct local_store *self, const struct event_row *event, uint64_t segment);

int
local_events_open(struct local_store *store, const struct local_store_config *config)
{
    struct local_events *self = &store->events;
    struct buf path = { 0 };
    int rc;

    buf_printf(&path, "%s/" EVENTS_NAME, config->dir);
    self->path = xstrdup(buf_cstr(&path));
    buf_release(&path);
    self->most = config->events;
    self->keep_ms = config->keep_ms;
    rc = s_open(self);
    return rc == -ENOSPC ? 0 : rc;
}

void
local_events_close(struct local_store *store)
{
    struct local_events *self = &store->events;

    while (self->first != NULL) {
        struct local_event *event = self->first;

        self->first = event->next;
        free(event);
    }
    event_db_close(&self->db);
    free(self->path);
    self->path = NULL;
}

// A damaged one is not worth refusing to start.
static int
s_open(struct local_events *self)
{
    const int rc = event_db_open(&self->db, self->path, &self->most);

    return rc == ERR_FORMAT || rc == ERR_UNKNOWN ? s_set_aside(self, rc) : rc;
}

// And one that is empty in its place.
static int
s_set_aside(struct local_events *self, int why)
{
    int rc;

    event_db_close(&self->db);
    rc = sqlite_set_aside(self->path);
    log_error("a file of the store is set aside: events that it held may be lacking",
              "file=" EVENTS_NAME " error=%s", log_quote(err_str(why)));
    return rc < 0 ? rc : event_db_open(&self->db, self->path, &self->most);
}

// What is told of a file that is read again, after a try that found no room in the middle of it.
struct telling {
    int (*fn)(void *arg, const struct event_row *event);
    void *arg;
    size_t *told;
    size_t at;
};

static int
s_tell(void *arg, const struct event_row *event)
{
    struct telling *telling = arg;

    if (telling->at++ < *telling->told)
        return 0;
    ++*telling->told;
    return telling->fn(telling->arg, event);
}

static int
s_again(void *arg, const struct event_row *event)
{
    s_add(arg, event, 0);
    return 0;
}

// What a damaged file still has goes into the one in its place.
int
local_store_events(local_store_t *store, int (*fn)(void *arg, const struct event_row *event),
                   void *arg)
{
    struct local_events *self = &store->events;
    struct telling telling = { .fn = fn, .arg = arg, .told = &self->told };
    int rc = 0;

    if (self->path == NULL || (self->db == NULL && access(self->path, F_OK) != 0))
        return 0;
    if (self->db == NULL)
        rc = s_open(self);
    if (rc < 0)
        return rc;
    if (self->keep_ms > 0 && self->told == 0)
        rc = event_db_expire(self->db, clock_real_ms() - self->keep_ms);
    if (rc >= 0 || rc == ERR_FORMAT || rc == -ENOSPC)
        rc = event_db_each(self->db, s_tell, &telling);
    if (rc != ERR_FORMAT)
        return rc;
    pthread_mutex_lock(&store->lock);
    (void) event_db_each(self->db, s_again, store); // as before, up to where it was read then
    pthread_mutex_unlock(&store->lock);
    rc = s_set_aside(self, rc);
    return rc == -ENOSPC ? 0 : rc;
}

// Too many on their way: who brings them waits, rather than memory running out. Where the disk has
// no room, local_store_health says so, and no more are brought.
void
local_store_event(local_store_t *store, const struct event_row *event, uint64_t segment)
{
    const struct local_events *self = &store->events;

    if (store->disk == NULL)
        return;
    pthread_mutex_lock(&store->lock);
    while (self->bytes > LOCAL_EVENTS_BYTES && !store->no_room && store->failed == 0 &&
           atomic_load(&store->loaded))
        pthread_cond_wait(&store->done, &store->lock);
    s_add(store, event, segment);
    pthread_mutex_unlock(&store->lock);
}

static void
s_add(struct local_store *store, const struct event_row *event, uint64_t segment)
{
    struct local_events *self = &store->events;
    struct local_event *e = xmalloc(sizeof *e + event->len);
    const uint64_t before = self->bytes;

    *e = (struct local_event){ .segment = segment, .is = *event };
    memcpy(e->body, event->body, event->len);
    e->is.body = e->body;
    if (self->first == NULL) {
        self->first = e;
        self->since_ms = clock_mono_ms();
    } else {
        self->last->next = e;
    }
    self->last = e;
    self->n++;
    self->bytes += sizeof *e + e->is.len;
    if (before == 0 || (before < LOCAL_WRITE_BYTES && self->bytes >= LOCAL_WRITE_BYTES))
        pthread_cond_signal(&store->work);
}

bool
local_events_wait(const struct local_store *self)
{
    return self->events.first != NULL && atomic_load(&self->loaded);
}

bool
local_events_are_due(const struct local_store *self, int64_t now_ms)
{
    return local_events_wait(self) &&
           (now_ms >= self->events.since_ms + LOCAL_WRITE_MS ||
            self->events.bytes >= LOCAL_WRITE_BYTES || (self->flush && self->to_seal == NULL));
}

// Damage that is met on the way is dealt with as at a start: these are put into another file.
static int
s_put(struct local_events *self, const struct event_row *rows, size_t n)
{
    int rc = self->db != NULL ? 0 : s_open(self);

    rc = rc < 0 ? rc : event_db_put(self->db, rows, n);
    if (rc == ERR_FORMAT) {
        rc = s_set_aside(self, rc);
        rc = rc < 0 ? rc : event_db_put(self->db, rows, n);
    }
    return rc;
}

int
local_events_write(struct local_store *store)
{
    struct local_events *self = &store->events;
    struct event_row *rows = xcalloc(self->n, sizeof *rows);
    size_t n = 0;
    int rc;

    for (const struct local_event *e = self->first; e != NULL; e = e->next)
        rows[n++] = e->is;
    pthread_mutex_unlock(&store->lock);
    rc = s_put(self, rows, n);
    pthread_mutex_lock(&store->lock);
    free(rows);
    for (; n > 0 && rc == 0; n--) {
        struct local_event *e = self->first;

        self->first = e->next;
        self->n--;
        self->bytes -= sizeof *e + e->is.len;
        free(e);
    }
    self->since_ms = clock_mono_ms();
    return rc;
}

int
local_events_tick(struct local_store *store, int64_t mono_ms, int64_t real_ms)
{
    struct local_events *self = &store->events;
    int rc = 0;

    if (self->db == NULL)
        return 0;
    if (self->keep_ms > 0 && mono_ms >= self->expire_ms) {
        rc = event_db_expire(self->db, real_ms - self->keep_ms);
        self->expire_ms = mono_ms + EXPIRE_MS;
    }
    rc = rc < 0 ? rc : event_db_tidy(self->db);
    if (rc == ERR_FORMAT)
        rc = s_set_aside(self, rc);
    return rc == -ENOSPC ? 0 : rc;
}
