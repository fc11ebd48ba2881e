// label_select - the ids that a selection means.
//
// The shortest list that holds them all is copied under the lock: one host's, that of a label and
// value that is demanded, or all. What is left of it is then found series by series, with each
// regular expression asked once for each value that it meets.

#include <stdlib.h>
#include <string.h>

#include "collector/store/label_inner.h"
#include "shared/base/xalloc.h"

// What a term says of a pair.
enum verdict { UNASKED, ACCEPTED, REJECTED };

struct term {
    const struct label_name *name; // NULL: no series has it
    uint8_t *verdicts;             // by the number of a pair; NULL for the cheap operators
    bool accepts_none;             // what it says of a series that lacks the label
};

static void
s_take_list(const struct label_list *list, const struct label_list **shortest)
{
    if (*shortest == NULL || list->n < (*shortest)->n)
        *shortest = list;
}

// False where nothing can match.
static bool
s_shortest(const label_index_t *self, const matchers_t *matchers,
           const struct label_list **shortest)
{
    for (size_t i = 0; i < matchers_count(matchers); i++) {
        const struct matcher_term term = matchers_term(matchers, i);
        uint32_t pair;

        if (term.op != MATCHER_EQUAL || term.value[0] == '\0')
            continue;
        pair = label_find_pair(self, term.name, term.value);
        if (pair == 0)
            return false;
        s_take_list(&label_pair(self, pair)->series, shortest);
    }
    return true;
}

// The candidates of one selector, and the terms as the index knows them.
static uint32_t
s_candidates(label_index_t *self, uint64_t host, const matchers_t *matchers, series_id **ret,
             struct term *terms)
{
    const struct label_list *shortest = NULL;
    uint32_t n = 0;
    bool any = true;

    *ret = NULL;
    pthread_rwlock_rdlock(&self->lock);
    if (host != 0) {
        shortest = map_get_u64(self->hosts, host);
        any = shortest != NULL;
    }
    if (any && matchers != NULL)
        any = s_shortest(self, matchers, &shortest);
    if (any) {
        const struct label_list *list = shortest != NULL ? shortest : &self->all;

        n = list->n;
        if (n > 0)
            *ret = xmemdup(list->at, n * sizeof **ret);
        for (size_t i = 0; matchers != NULL && i < matchers_count(matchers); i++) {
            const struct matcher_term term = matchers_term(matchers, i);

            terms[i].name = label_find_name(self, term.name);
            if (term.op == MATCHER_REGEX || term.op == MATCHER_NOT_REGEX)
                terms[i].verdicts = xcalloc(self->n_pairs + 1, 1);
        }
    }
    pthread_rwlock_unlock(&self->lock);
    return n;
}

static bool
s_accepts(const label_index_t *self, const matchers_t *matchers, size_t i, struct term *term,
          const struct label_entry *entry)
{
    for (uint32_t k = 0; k < entry->n; k++) {
        const uint32_t number = entry->pairs[k];
        const struct label_pair *pair = label_pair(self, number);

        if (pair->name != term->name)
            continue;
        if (term->verdicts == NULL)
            return matchers_accepts(matchers, i, pair->value);
        if (term->verdicts[number] == UNASKED)
            term->verdicts[number] = matchers_accepts(matchers, i, pair->value) ? ACCEPTED
                                                                                : REJECTED;
        return term->verdicts[number] == ACCEPTED;
    }
    return term->accepts_none;
}

// One selector; rising.
static uint32_t
s_select(label_index_t *self, uint64_t host, const matchers_t *matchers, series_id **ret)
{
    const size_t n_terms = matchers != NULL ? matchers_count(matchers) : 0;
    struct term *terms = xcalloc(n_terms + 1, sizeof *terms);
    const uint32_t n = s_candidates(self, host, matchers, ret, terms);
    uint32_t kept = 0;

    for (size_t i = 0; i < n_terms; i++)
        terms[i].accepts_none = matchers_accepts(matchers, i, "");
    for (uint32_t k = 0; k < n; k++) {
        const struct label_entry *entry = label_entry(self, (*ret)[k]);
        bool accepted = host == 0 || entry->host == host;

        for (size_t i = 0; i < n_terms && accepted; i++)
            accepted = s_accepts(self, matchers, i, &terms[i], entry);
        if (accepted)
            (*ret)[kept++] = (*ret)[k];
    }
    for (size_t i = 0; i < n_terms; i++)
        free(terms[i].verdicts);
    free(terms);
    return kept;
}

// Both rise; so does what is made of them.
static uint32_t
s_unite(series_id **into, uint32_t n, series_id *more, uint32_t n_more)
{
    series_id *both = xmalloc((n + n_more + 1) * sizeof *both);
    uint32_t out = 0;
    uint32_t i = 0;
    uint32_t k = 0;

    while (i < n || k < n_more) {
        const bool first = k == n_more || (i < n && (*into)[i] <= more[k]);

        if (first && k < n_more && (*into)[i] == more[k])
            k++;
        both[out++] = first ? (*into)[i++] : more[k++];
    }
    free(*into);
    free(more);
    *into = both;
    return out;
}

uint32_t
label_index_select(label_index_t *self, uint64_t host, matchers_t *const *matchers,
                   uint32_t n_matchers, series_id **ret)
{
    uint32_t n = 0;

    *ret = NULL;
    if (n_matchers == 0)
        return s_select(self, host, NULL, ret);
    for (uint32_t i = 0; i < n_matchers; i++) {
        series_id *more;
        const uint32_t n_more = s_select(self, host, matchers[i], &more);

        if (i == 0) {
            *ret = more;
            n = n_more;
        } else {
            n = s_unite(ret, n, more, n_more);
        }
    }
    return n;
}
