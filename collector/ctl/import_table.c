// import_table - see the header.

#include "collector/ctl/import_table.h"

#include <stdlib.h>
#include <string.h>

#include "collector/ctl/import_series.h"
#include "shared/base/err.h"
#include "shared/base/fnv.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define TEXTS_PER_SERIES 4u // ways to write one, on average, that are remembered

struct import_table {
    struct import_table_options is;
    map_t *texts;     // as written, and as we would write it -> struct import_series
    map_t *instances; // name -> struct import_instance, the link's
    struct import_series **series;
    size_t n;
    size_t size; // allocated
};

import_table_t *
import_table_new(const struct import_table_options *options)
{
    import_table_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->texts = map_new();
    self->instances = map_new();
    return self;
}

void
import_table_destroy(import_table_t **self_p)
{
    import_table_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++)
        free(self->series[i]);
    free(self->series);
    map_destroy(&self->texts);
    map_destroy(&self->instances);
    free(self);
    *self_p = NULL;
}

size_t
import_table_count(const import_table_t *self)
{
    return self->n;
}

// The id follows from what is imported: the file and the instance; and from how records are made.
static struct import_instance *
s_instance(import_table_t *self, const char *name)
{
    struct import_instance *is = map_get(self->instances, name, strlen(name));
    uint64_t id = fnv_add(FNV_BEGIN, IMPORT_STREAM_VERSION ":", sizeof IMPORT_STREAM_VERSION);

    if (is != NULL)
        return is;
    id = fnv_add(id, &self->is.content, sizeof self->is.content);
    id = fnv_add(id, name, strlen(name));
    is = import_link_add(self->is.link, name, id != 0 ? id : 1);
    map_put(self->instances, name, strlen(name), is);
    return is;
}

static struct import_series *
s_add(import_table_t *self, struct label_set *labels, enum metric_kind kind)
{
    struct import_series *series = xcalloc(1, sizeof *series);

    series->instance = s_instance(self, label_set_get(labels, "instance"));
    series->slot = import_stream_slot(series->instance->stream, labels, kind);
    if (self->n == self->size) {
        self->size = self->size == 0 ? 256 : 2 * self->size;
        self->series = xrealloc(self->series, self->size, sizeof(struct import_series *));
    }
    self->series[self->n++] = series;
    return series;
}

static int
s_labels(const import_table_t *self, const struct import_line *line, struct label_set *ret,
         struct import_fault *fault)
{
    struct label_set without;
    int rc = import_series_parse(ret, line->series, line->series_len, fault);

    if (rc < 0 || label_set_get(ret, "instance") != NULL)
        return rc;
    without = *ret;
    *ret = (struct label_set){ 0 };
    rc = ERR_FORMAT;
    *fault = (struct import_fault){ .rule = "a series has the label instance, unless --instance "
                                            "names one for those without",
                                    .value = line->series,
                                    .len = line->series_len };
    if (self->is.instance != NULL) {
        rc = label_set_with(ret, &without, "instance", self->is.instance);
        fault->rule = "a series with the instance of --instance is past the limits of labels";
    }
    label_set_release(&without);
    return rc;
}

int
import_table_find(import_table_t *self, const struct import_line *line,
                  const struct import_series **ret, struct import_fault *fault)
{
    struct import_series *series = map_get(self->texts, line->series, line->series_len);
    struct buf text = { 0 };
    struct label_set labels;
    int rc;

    *ret = series;
    if (series != NULL)
        return 0;
    rc = s_labels(self, line, &labels, fault);
    if (rc < 0)
        return rc;
    label_set_text(&text, &labels);
    series = map_get(self->texts, text.at, text.len);
    if (series == NULL && self->n == IMPORT_SERIES_MAX) {
        rc = ERR_LIMIT;
        *fault = (struct import_fault){ .rule = "a file has at most 1000000 series: import it in "
                                                "parts",
                                        .value = line->series,
                                        .len = line->series_len };
    } else if (series == NULL) {
        series = s_add(self, &labels, line->kind);
        map_put(self->texts, text.at, text.len, series);
    }
    if (rc == 0 && map_count(self->texts) < TEXTS_PER_SERIES * IMPORT_SERIES_MAX)
        map_put(self->texts, line->series, line->series_len, series);
    label_set_release(&labels);
    buf_release(&text);
    *ret = series;
    return rc;
}
