// page_files - the page's files: those in the program, or the operator's own in their place.
//
// In:     a path of a URL, decoded; what the client accepts and has.
// Out:    bytes or a descriptor, with what the headers need.
// Paths:  "/" and "/h/..." are index.html. With a folder of the operator's, every file is read at
//         each request, from that folder and those below it; symbolic links are not followed, so
//         there is no way out.
// Thread: any; nothing changes after page_files_open.

#ifndef DASHBOARD_PAGE_FILES_H
#define DASHBOARD_PAGE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One file of the page, in the program. The table is made by embed.sh.
struct page_asset {
    const char *path; // "/index.html", "/assets/app.1f2e3d4c5b.js"
    const char *type;
    const char *etag;    // of the bytes as they are, quoted
    const char *gz_etag; // of the compressed ones, quoted
    const uint8_t *raw;
    size_t raw_len;
    const uint8_t *gz;
    size_t gz_len;
};
extern const struct page_asset page_assets[];
extern const size_t page_assets_count;

typedef struct page_files page_files_t;

// root NULL: the assets, which are borrowed. 0 and *ret, or -errno if root is no folder to be read.
int page_files_open(page_files_t **ret, const struct page_asset *assets, size_t n,
                    const char *root);
void page_files_close(page_files_t **self_p);

struct page_want {
    const char *path;            // begins with '/'
    const char *accept_encoding; // headers as they came, or NULL
    const char *if_none_match;
};

struct page_file {
    const uint8_t *bytes; // not NULL: these, for ever; else fd
    int fd;               // the caller's to close; -1 where bytes are given
    size_t len;
    const char *type;
    const char *etag; // or NULL
    bool gzip;
    bool vary;      // other bytes for another Accept-Encoding
    bool immutable; // the name changes with the bytes
    bool ours;      // gets our Content-Security-Policy if it is a page
};

// 200 and *ret, 304 and *ret (etag and what belongs to it), 404, or 500 (a file that cannot be
// read).
int page_files_get(const page_files_t *self, const struct page_want *want, struct page_file *ret);

// Whether an Accept-Encoding allows gzip: named or by "*", and not with q=0.
bool page_accepts_gzip(const char *accept_encoding);

#endif
