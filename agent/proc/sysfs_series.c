// sysfs_series - see the header.
//
// Items stand in the order in which they were added last, since a look through an unchanged tree
// adds the same ones in the same order: each finds its item where it was. What was not added is
// behind the others when the look is over, and is dropped.

#include "agent/proc/sysfs_series.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/slow_thread.h"
#include "agent/proc/sysfs.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define SYSFS_TAG 0x53595346u // "SYSF"

struct item {
    char *key;  // path, name and labels, each with a 0x1f behind it: owned
    char *path; // NULL: the number 1
    char *name; // of the metric; owned, as are the labels until there is a slot
    enum metric_kind kind;
    struct metric_form form;
    const char *job;
    const char *help;
    struct label labels[SYSFS_LABELS_MAX];
    uint32_t n_labels;
    uint32_t slot;
    bool has_slot;
    bool said;        // that it can not be read
    bool mute;        // it held no number: not read again before the next look
    int64_t muted_ms; // when that was answered
};

struct sysfs_series {
    unsigned tag;       // SYSFS_TAG
    int root_fd;        // borrowed; -1: none
    sysfs_look_fn look; // through the tree
    int64_t looked_ms;  // clock_mono_ms
    uint32_t added;     // items of the look at hand
    uint32_t n;         // of items
    uint32_t size;      // allocated
    struct item *items;
    const char **paths;    // room for one round: as many as `size`
    slow_thread_t *thread; // NULL without a root
};

static size_t s_paths(sysfs_series_t *self);
static void s_tell(sysfs_series_t *self, struct item *item, series_table_t *table);
static void s_release(struct item *item);

sysfs_series_t *
sysfs_series_new(const struct proc_setup *setup, sysfs_look_fn look, unsigned every_ms)
{
    sysfs_series_t *self = xcalloc(1, sizeof *self);

    self->tag = SYSFS_TAG;
    self->look = look;
    self->root_fd = -1;
    if (setup->root == NULL)
        return self;
    self->root_fd = proc_root_fd(setup->root);
    self->thread = slow_thread_new(&(const struct slow_options){ .root_fd = self->root_fd,
                                                                 .ask = sysfs_ask,
                                                                 .stuck_ms = SYSFS_STUCK_MS,
                                                                 .every_ms = every_ms });
    sysfs_series_look(self);
    slow_thread_ask(self->thread, self->paths, s_paths(self), 0);
    return self;
}

void
sysfs_series_look(sysfs_series_t *self)
{
    self->looked_ms = clock_mono_ms();
    self->added = 0;
    self->look(self, self->root_fd);
    while (self->n > self->added)
        s_release(&self->items[--self->n]);
}

static void
s_key(struct buf *key, const char *path, const struct series_spec *spec, const struct label *labels,
      size_t n)
{
    buf_printf(key, "%s\x1f%s\x1f", path != NULL ? path : "", spec->name);
    for (size_t i = 0; i < n; i++)
        buf_printf(key, "%s\x1f%s\x1f", labels[i].name, labels[i].value);
}

static struct item *
s_new_item(sysfs_series_t *self)
{
    if (self->n == self->size) {
        self->size = self->size == 0 ? 32 : self->size * 2;
        self->items = xrealloc(self->items, self->size, sizeof *self->items);
        self->paths = xrealloc(self->paths, self->size, sizeof *self->paths);
    }
    return &self->items[self->n++];
}

void
sysfs_series_add(sysfs_series_t *self, const char *path, const struct series_spec *spec,
                 const struct label *labels, size_t n)
{
    const uint32_t at = self->added;
    uint32_t found = at;
    struct buf key = { 0 };

    assert(n <= SYSFS_LABELS_MAX);
    if (at == SYSFS_ITEMS_MAX)
        return;
    s_key(&key, path, spec, labels, n);
    while (found < self->n && strcmp(self->items[found].key, buf_cstr(&key)) != 0)
        found++;
    if (found == self->n) {
        struct item *item = s_new_item(self);

        *item = (struct item){
            .key = xstrdup(buf_cstr(&key)),
            .path = path != NULL ? xstrdup(path) : NULL,
            .name = xstrdup(spec->name),
            .kind = spec->kind,
            .form = spec->form,
            .job = spec->job,
            .help = spec->help,
            .n_labels = (uint32_t) n,
        };
        for (size_t i = 0; i < n; i++)
            item->labels[i] = (struct label){ xstrdup(labels[i].name), xstrdup(labels[i].value) };
    }
    buf_release(&key);
    if (found != at) {
        const struct item moved = self->items[found];

        memmove(&self->items[at + 1], &self->items[at], (found - at) * sizeof moved);
        self->items[at] = moved;
    }
    self->items[at].mute = false;
    self->added++;
}

static size_t
s_paths(sysfs_series_t *self)
{
    size_t n = 0;

    for (uint32_t i = 0; i < self->n; i++)
        if (self->items[i].path != NULL && !self->items[i].mute)
            self->paths[n++] = self->items[i].path;
    return n;
}

void
sysfs_series_walk(void *arg, series_table_t *table)
{
    sysfs_series_t *self = arg;

    assert(self->tag == SYSFS_TAG);
    if (self->thread == NULL)
        return;
    if (clock_mono_ms() - self->looked_ms >= SYSFS_LOOK_MS)
        sysfs_series_look(self);
    slow_thread_collect(self->thread);
    for (uint32_t i = 0; i < self->n; i++)
        s_tell(self, &self->items[i], table);
    slow_thread_ask_ahead(self->thread, self->paths, s_paths(self));
}

static void
s_set(struct item *item, series_table_t *table, int64_t number)
{
    if (!item->has_slot) {
        const struct series_spec spec = {
            .name = item->name,
            .kind = item->kind,
            .form = item->form,
            .job = item->job,
            .help = item->help,
        };

        item->slot = series_table_slot(table, &spec, item->labels, item->n_labels);
        item->has_slot = true;
    }
    series_table_set(table, item->slot, number);
}

static void
s_tell(sysfs_series_t *self, struct item *item, series_table_t *table)
{
    struct slow_answer answer;

    if (item->path == NULL) {
        s_set(item, table, 1);
        return;
    }
    if (item->mute)
        return;
    answer = slow_thread_answer(self->thread, item->path);
    if (answer.state == SLOW_OK) {
        s_set(item, table, answer.value.number);
    } else if (answer.state == SLOW_ERROR && answer.error == ERR_FORMAT) {
        // The answer that muted it before a look says nothing of what is there since.
        item->mute = answer.at_ms != item->muted_ms;
        item->muted_ms = answer.at_ms;
    } else if (answer.state == SLOW_ERROR && !item->said) {
        item->said = true;
        log_info("a sensor is not readable; its series is absent while that is so",
                 "file=%s error=%s", log_quote(item->path), log_quote(err_str(answer.error)));
    }
}

void
sysfs_series_settle(void *arg, int64_t ms)
{
    const sysfs_series_t *self = arg;

    assert(self->tag == SYSFS_TAG);
    if (self->thread != NULL)
        (void) slow_thread_wait(self->thread, ms);
}

bool
sysfs_series_hangs(void *arg)
{
    const sysfs_series_t *self = arg;

    assert(self->tag == SYSFS_TAG);
    return self->thread != NULL && slow_thread_hangs(self->thread);
}

static void
s_release(struct item *item)
{
    for (uint32_t i = 0; i < item->n_labels; i++) {
        free((void *) (uintptr_t) item->labels[i].name);
        free((void *) (uintptr_t) item->labels[i].value);
    }
    free(item->key);
    free(item->path);
    free(item->name);
}

void
sysfs_series_end(void **self_p)
{
    sysfs_series_t *self = *self_p;

    if (self == NULL)
        return;
    slow_thread_destroy(&self->thread);
    while (self->n > 0)
        s_release(&self->items[--self->n]);
    free(self->items);
    free(self->paths);
    free(self);
    *self_p = NULL;
}
