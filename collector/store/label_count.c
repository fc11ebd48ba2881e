// label_count - where series come from: by host, by label, by value, and how many of late.
//
// Ids and numbers of pairs only rise, so what is new is what stands behind a number in each list.
// Cost: a search in each list; the lock is held meanwhile, and adding waits.

#include "collector/store/label_inner.h"

static uint32_t s_behind(const struct label_list *list, uint32_t number);
static void s_hosts(const label_index_t *self, const struct label_note *before, store_count_fn *fn,
                    void *arg);
static void s_names(const label_index_t *self, const struct label_note *before, store_count_fn *fn,
                    void *arg);
static void s_values(const label_index_t *self, const struct label_note *before, const char *label,
                     store_count_fn *fn, void *arg);

void
label_index_note(label_index_t *self, int64_t now_ms)
{
    const struct label_note *last;

    pthread_rwlock_wrlock(&self->lock);
    last = &self->notes[(self->n_notes + LABEL_NOTES - 1) % LABEL_NOTES];
    if (self->n_notes == 0 || now_ms - last->at_ms >= LABEL_NOTE_MS)
        self->notes[self->n_notes++ % LABEL_NOTES] = (struct label_note){
            .at_ms = now_ms, .newest = self->newest, .n_pairs = self->n_pairs
        };
    pthread_rwlock_unlock(&self->lock);
}

// The oldest note of the ring; nothing where there is none, so that all that was made is new.
struct label_note
label_before(const label_index_t *self)
{
    struct label_note before = { 0 };

    if (self->n_notes >= LABEL_NOTES)
        before = self->notes[self->n_notes % LABEL_NOTES];
    if (before.newest < self->restored.newest)
        before.newest = self->restored.newest;
    if (before.n_pairs < self->restored.n_pairs)
        before.n_pairs = self->restored.n_pairs;
    return before;
}

void
label_index_count(label_index_t *self, enum store_count_of what, const char *label,
                  store_count_fn *fn, void *arg)
{
    struct label_note before;

    pthread_rwlock_rdlock(&self->lock);
    before = label_before(self);
    if (what == STORE_COUNT_HOSTS)
        s_hosts(self, &before, fn, arg);
    else if (what == STORE_COUNT_NAMES)
        s_names(self, &before, fn, arg);
    else
        s_values(self, &before, label, fn, arg);
    pthread_rwlock_unlock(&self->lock);
}

// How many of a list that rises are above `number`.
static uint32_t
s_behind(const struct label_list *list, uint32_t number)
{
    uint32_t from = 0;
    uint32_t to = list->n;

    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;

        if (list->at[middle] <= number)
            from = middle + 1;
        else
            to = middle;
    }
    return list->n - from;
}

static void
s_hosts(const label_index_t *self, const struct label_note *before, store_count_fn *fn, void *arg)
{
    struct map_entry entry;

    for (size_t at = 0; map_next(self->hosts, &at, &entry);) {
        const struct label_list *list = entry.value;

        // A list has at least one series, which knows whose it is.
        fn(arg, &(struct store_count){ .host = label_entry(self, list->at[0])->host,
                                       .series = list->n,
                                       .made = s_behind(list, before->newest) });
    }
}

static void
s_names(const label_index_t *self, const struct label_note *before, store_count_fn *fn, void *arg)
{
    struct map_entry entry;

    for (size_t at = 0; map_next(self->names, &at, &entry);) {
        const struct label_name *name = entry.value;

        fn(arg, &(struct store_count){ .text = name->text,
                                       .series = name->series,
                                       .values = name->pairs.n,
                                       .values_made = s_behind(&name->pairs, before->n_pairs) });
    }
}

static void
s_values(const label_index_t *self, const struct label_note *before, const char *label,
         store_count_fn *fn, void *arg)
{
    const struct label_name *name = label_find_name(self, label);

    for (uint32_t i = 0; name != NULL && i < name->pairs.n; i++) {
        const struct label_pair *pair = label_pair(self, name->pairs.at[i]);

        fn(arg, &(struct store_count){ .text = pair->value,
                                       .series = pair->series.n,
                                       .made = s_behind(&pair->series, before->newest) });
    }
}
