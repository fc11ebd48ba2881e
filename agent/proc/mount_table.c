// mount_table - see the header.
//
// Words are parted by one space each, since any of their own is escaped: a device may be empty
// (mount -t tmpfs "" /mnt) and must not shift the others. What is decoded is never longer than what
// it was decoded from, so the table's memory is reserved once and nothing in it moves.

#include "agent/proc/mount_table.h"

#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

static int s_line(struct mount *out, struct buf *text, struct proc_text line);
static void s_find_hidden(struct mount_table *out);

int
mount_table_parse(struct mount_table *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;

    out->n = 0;
    buf_clear(&out->text);
    buf_reserve(&out->text, len + 1);
    while (proc_text_line(&rest, &line)) {
        int rc;

        if (out->n == MOUNT_TABLE_MAX)
            return ERR_FORMAT;
        if (out->n == out->size) {
            out->size = out->size == 0 ? 32 : out->size * 2;
            out->mounts = xrealloc(out->mounts, out->size, sizeof *out->mounts);
        }
        rc = s_line(&out->mounts[out->n], &out->text, line);
        if (rc < 0)
            return rc;
        out->n++;
    }
    s_find_hidden(out);
    return out->n > 0 ? (int) out->n : ERR_FORMAT;
}

// What stands before the next space, which is taken off too; all of it where there is none.
static struct proc_text
s_word(struct proc_text *line)
{
    const size_t left = proc_text_len(line);
    const char *space = left == 0 ? NULL : memchr(line->at, ' ', left);
    const struct proc_text word = { .at = line->at, .end = space != NULL ? space : line->end };

    line->at = space != NULL ? space + 1 : line->end;
    return word;
}

static bool
s_is_octal(char c)
{
    return c >= '0' && c <= '7';
}

// The word with its escapes undone, terminated; NULL if it holds a NUL.
static const char *
s_decode(struct buf *text, struct proc_text word)
{
    const size_t start = text->len;

    for (const char *c = word.at; c < word.end; c++) {
        uint8_t byte = (uint8_t) *c;

        if (byte == '\\' && word.end - c > 3 && c[1] <= '3' && s_is_octal(c[1]) &&
            s_is_octal(c[2]) && s_is_octal(c[3])) {
            byte = (uint8_t) ((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0'));
            c += 3;
        }
        if (byte == '\0')
            return NULL;
        buf_byte(text, byte);
    }
    buf_byte(text, '\0');
    return (const char *) text->at + start;
}

// "ro" as one of the words between commas.
static bool
s_is_readonly(struct proc_text options)
{
    while (options.at < options.end) {
        const char *comma = memchr(options.at, ',', proc_text_len(&options));
        const struct proc_text one = { .at = options.at,
                                       .end = comma != NULL ? comma : options.end };

        if (proc_text_is(&one, "ro"))
            return true;
        options.at = comma != NULL ? comma + 1 : options.end;
    }
    return false;
}

static int
s_line(struct mount *out, struct buf *text, struct proc_text line)
{
    const struct proc_text device = s_word(&line);
    const struct proc_text point = s_word(&line);
    const struct proc_text type = s_word(&line);
    const struct proc_text options = s_word(&line);

    if (proc_text_len(&type) == 0 || proc_text_len(&options) == 0)
        return ERR_FORMAT;
    *out = (struct mount){
        .device = s_decode(text, device),
        .point = s_decode(text, point),
        .type = s_decode(text, type),
        .readonly = s_is_readonly(options),
    };
    return out->device != NULL && out->type != NULL && out->point != NULL && out->point[0] == '/'
               ? 0
               : ERR_FORMAT;
}

static void
s_find_hidden(struct mount_table *out)
{
    map_t *seen = map_new(); // mount points of later lines

    for (uint32_t i = out->n; i-- > 0;) {
        struct mount *mount = &out->mounts[i];

        mount->hidden = map_put(seen, mount->point, strlen(mount->point), mount) != NULL;
    }
    map_destroy(&seen);
}

void
mount_table_release(struct mount_table *table)
{
    free(table->mounts);
    buf_release(&table->text);
    *table = (struct mount_table){ 0 };
}
