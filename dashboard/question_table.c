// question_table - questions that are at the collector: their replies put together, their
// deadlines.

#include "dashboard/question_table.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/base/xalloc.h"

struct question_table {
    struct question at[QUESTIONS_MAX]; // in no order; few at a time, so looked through
    size_t n;
    uint64_t last_id;
};

static struct question s_remove(question_table_t *self, size_t i);

void
question_release(struct question *q)
{
    link_replies_free(q->replies, q->n_replies);
    q->replies = NULL;
    q->n_replies = 0;
}

question_table_t *
question_table_new(void)
{
    return xcalloc(1, sizeof(question_table_t));
}

void
question_table_destroy(question_table_t **self_p)
{
    question_table_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++)
        question_release(&self->at[i]);
    free(self);
    *self_p = NULL;
}

bool
question_table_full(const question_table_t *self)
{
    return self->n == QUESTIONS_MAX;
}

uint64_t
question_table_id(question_table_t *self)
{
    return ++self->last_id;
}

void
question_table_put(question_table_t *self, const struct question *q)
{
    assert(self->n < QUESTIONS_MAX);
    self->at[self->n++] = *q;
}

bool
question_table_take(question_table_t *self, const struct query_reply *reply, const void *at,
                    size_t n, struct question *done)
{
    struct question *q;
    size_t i = 0;

    while (i < self->n && self->at[i].id != reply->id)
        i++;
    if (i == self->n)
        return false;
    q = &self->at[i];
    q->bytes += n;
    if (q->bytes <= QUESTION_BYTES_MAX) {
        q->replies = xrealloc(q->replies, q->n_replies + 1, sizeof *q->replies);
        q->replies[q->n_replies] = (struct buf){ 0 };
        buf_bytes(&q->replies[q->n_replies++], at, n);
    } else {
        question_release(q);
    }
    if ((reply->flags & QUERY_MORE) != 0 && reply->status == QUERY_OK)
        return false;
    *done = s_remove(self, i);
    return true;
}

bool
question_table_late(question_table_t *self, int64_t now_ms, struct question *late)
{
    for (size_t i = 0; i < self->n; i++)
        if (self->at[i].deadline_ms <= now_ms) {
            *late = s_remove(self, i);
            return true;
        }
    return false;
}

void
question_table_drop_window(question_table_t *self, uint64_t host)
{
    for (size_t i = self->n; i-- > 0;)
        if (self->at[i].use == USE_WINDOW && self->at[i].host == host) {
            struct question q = s_remove(self, i);

            question_release(&q);
        }
}

static struct question
s_remove(question_table_t *self, size_t i)
{
    const struct question removed = self->at[i];

    self->at[i] = self->at[--self->n];
    return removed;
}
