// table_print - see table_print.h.

#include "collector/ctl/table_print.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

struct table {
    const struct table_column *columns;
    unsigned n;
    char **cells; // n a row
    size_t rows;
};

static size_t s_width(const char *text);
static void s_put_line(const table_t *self, struct buf *out, const size_t *widths,
                       const char *const *cells);
static void s_put_csv_cell(struct buf *out, const char *text);

table_t *
table_new(const struct table_column *columns, unsigned n)
{
    table_t *self = xcalloc(1, sizeof *self);

    self->columns = columns;
    self->n = n;
    return self;
}

void
table_destroy(table_t **self_p)
{
    table_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->rows * self->n; i++)
        free(self->cells[i]);
    free(self->cells);
    free(self);
    *self_p = NULL;
}

void
table_add(table_t *self, const char *const *cells)
{
    self->cells = xrealloc(self->cells, (self->rows + 1) * self->n, sizeof *self->cells);
    for (unsigned i = 0; i < self->n; i++) {
        char *cell = xstrdup(cells[i]);

        for (char *at = cell; *at != '\0'; at++) {
            if ((unsigned char) *at < ' ' || *at == 0x7f)
                *at = '?';
        }
        self->cells[self->rows * self->n + i] = cell;
    }
    self->rows++;
}

void
table_put_text(const table_t *self, struct buf *out)
{
    size_t *widths = xcalloc(self->n, sizeof *widths);
    const char **titles = xcalloc(self->n, sizeof *titles);

    for (unsigned i = 0; i < self->n; i++) {
        titles[i] = self->columns[i].title;
        widths[i] = s_width(titles[i]);
        for (size_t row = 0; row < self->rows; row++) {
            const size_t width = s_width(self->cells[row * self->n + i]);

            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    s_put_line(self, out, widths, titles);
    for (size_t row = 0; row < self->rows; row++)
        s_put_line(self, out, widths, (const char *const *) &self->cells[row * self->n]);
    free(titles);
    free(widths);
}

// Characters, counted by their first bytes.
static size_t
s_width(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char) *text & 0xc0) != 0x80;
    return n;
}

static void
s_put_line(const table_t *self, struct buf *out, const size_t *widths, const char *const *cells)
{
    for (unsigned i = 0; i < self->n; i++) {
        const int pad = (int) (widths[i] - s_width(cells[i]));
        const bool last = i + 1 == self->n;

        if (self->columns[i].right)
            buf_printf(out, "%*s%s", pad, "", cells[i]);
        else
            buf_printf(out, "%s%*s", cells[i], last ? 0 : pad, "");
        buf_str(out, last ? "\n" : "  ");
    }
}

void
table_put_csv(const table_t *self, struct buf *out)
{
    for (unsigned i = 0; i < self->n; i++) {
        s_put_csv_cell(out, self->columns[i].title);
        buf_byte(out, i + 1 == self->n ? '\n' : ',');
    }
    for (size_t i = 0; i < self->rows * self->n; i++) {
        s_put_csv_cell(out, self->cells[i]);
        buf_byte(out, (i + 1) % self->n == 0 ? '\n' : ',');
    }
}

static void
s_put_csv_cell(struct buf *out, const char *text)
{
    if (strpbrk(text, ",\"\n") == NULL) {
        buf_str(out, text);
        return;
    }
    buf_byte(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_byte(out, '"');
        buf_byte(out, (uint8_t) *text);
    }
    buf_byte(out, '"');
}
