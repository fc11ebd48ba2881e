// journal_release - see the header.

#include "collector/journal_release.h"

#include <errno.h>

#include "shared/base/err.h"
#include "shared/base/log.h"

int
journal_release(journal_t *journal, local_store_t *store, uint64_t applied, bool replaying)
{
    const uint64_t hold = applied > JOURNAL_RELEASE_HOLD ? applied - JOURNAL_RELEASE_HOLD : 0;
    const int rc = local_store_health(store);

    if (!replaying && (rc == 0 || rc == -ENOSPC)) {
        const uint64_t needs = local_store_needs(store, hold);

        journal_let_go(journal, needs < applied ? needs : applied);
    }
    journal_hold(journal, rc == -ENOSPC);
    if (rc == 0 || rc == -ENOSPC)
        return 0;
    log_error("the store cannot be written: ending, what it lacks is in the journal", "error=%s",
              log_quote(err_str(rc)));
    return rc;
}
