// fuzz_view_pick - any text as the parameter c=, and as the name of a thing that has a column.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/url.h"
#include "dashboard/view_inner.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/model/matcher.h"
#include "shared/wire/query_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What is picked can be asked for: few selectors, each of which the collector reads, all of them in
// one question.
static void
s_select(const struct view_pick *pick)
{
    struct query_request q = { .type = QUERY_SELECT, .id = 1, .host = 1 };
    static uint8_t bytes[QUERY_REQUEST_MAX];
    char error[MATCHERS_ERROR_SIZE];
    struct buf text = { 0 };

    q.n_selectors = (uint32_t) view_selectors(pick, &text, q.selectors, QUERY_SELECTORS_MAX);
    assert(q.n_selectors > 0);
    for (uint32_t i = 0; i < q.n_selectors; i++) {
        matchers_t *m = NULL;

        assert(matchers_parse(&m, q.selectors[i], error) == 0);
        matchers_destroy(&m);
    }
    assert(query_put_request(bytes, sizeof bytes, &q) > 0);
    buf_release(&text);
}

static void
s_as_parameter(const char *text)
{
    struct view_pick pick, copy;
    char error[VIEW_ERROR_SIZE] = "";

    if (view_pick_parse(&pick, text, error) < 0) {
        assert(strncmp(error, "c: ", 3) == 0 && pick.n == 0);
        return;
    }
    s_select(&pick);
    view_pick_copy(&copy, &pick);
    assert(copy.n == pick.n && pick.n <= VIEW_PICK_MAX);
    view_pick_release(&copy);
    view_pick_release(&pick);
}

// The column's id is one that can be picked, gives the name back, and picks the column.
static void
s_as_name(const char *text, const char *metric, const char *label, const char *job)
{
    const struct label labels[] = { { "__name__", metric }, { label, text }, { "job", job } };
    view_t *view = view_new(NULL, 1000);
    const struct view_column *columns;
    struct label_set set;
    size_t n;

    if (label_set_init(&set, labels, 3) != 0) {
        view_destroy(&view);
        return;
    }
    view_add(view, &set);
    view_seal(view);
    n = view_columns(view, &columns);
    for (size_t i = 0; i < n; i++) {
        const struct view_def *def = view_id_def(columns[i].id);
        struct view_pick pick;
        char error[VIEW_ERROR_SIZE];
        struct buf name = { 0 };

        assert(def != NULL && strlen(columns[i].id) < VIEW_ID_SIZE);
        view_id_name(&name, def, columns[i].id);
        assert(strcmp(buf_cstr(&name), text) == 0 && strcmp(columns[i].name, text) == 0);
        assert(view_pick_parse(&pick, columns[i].id, error) == 0);
        assert(pick.n == 1 && view_pick_has(&pick, columns[i].id));
        s_select(&pick);
        view_pick_release(&pick);
        buf_release(&name);
    }
    view_destroy(&view);
    label_set_release(&set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *) data, size);
    char *decoded = url_decode(text);

    if (str_is_utf8(text, strlen(text)))
        s_as_parameter(text);
    if (decoded != NULL)
        s_as_parameter(decoded);
    s_as_name(text, "node_filesystem_size_bytes", "mountpoint", "node");
    s_as_name(text, "node_cpu_scaling_frequency_hertz", "cpu", "node");
    s_as_name(text, "app_value", "app", "app");
    s_as_name(text, "app_some_ratio", "app", "app");
    free(decoded);
    free(text);
    return 0;
}
