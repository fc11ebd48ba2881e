// spool_report - see the header.

#include "agent/spool_report.h"

#include <inttypes.h>

#include "shared/base/err.h"
#include "shared/base/log.h"

#define FULL_LOG_MS 60000

void
spool_report_refused(const char *dir, int rc)
{
    log_error("the spool can not be used", "folder=%s error=%s", log_quote(dir),
              log_quote(rc == ERR_UNKNOWN   ? "what stands there is no spool: move it away"
                        : rc == ERR_VERSION ? "it was written by a newer version: install that"
                                            : err_str(rc)));
}

void
spool_report_found(const struct spool_book *book, const struct spool_files_found *found)
{
    if (book->ledger.pending > 0)
        log_info("the spool holds records from before this start",
                 "streams=%zu samples=%" PRIu64 " lost=%" PRIu64, book->n_streams,
                 book->ledger.pending, ledger_lost(&book->ledger));
    if (found->damaged_bytes > 0 || found->unreadable > 0 || found->book_damaged)
        log_error("the spool was damaged; what is lost is in the ledger",
                  "bytes=%" PRIu64 " segments=%" PRIu64 " book=%d", found->damaged_bytes,
                  found->unreadable, found->book_damaged);
}

void
spool_report_disk(struct spool_report *self, const struct spool_files_stat *files)
{
    if (files->failed != 0 && !self->broken) {
        log_error("the spool's disk fails: what is sampled goes from memory, and a crash takes it; "
                  "start the agent again once the disk is well",
                  "error=%s", log_quote(err_str(files->failed)));
        self->broken = true;
    }
    if (files->full && !self->full && log_allow(&self->full_log_ms, FULL_LOG_MS)) {
        log_warn("the spool's disk is full: what is sampled goes from memory until it has room",
                 NULL);
        self->full = true;
    } else if (!files->refusing && self->full) {
        log_info("the spool's disk has room again", NULL);
        self->full = false;
    }
}
