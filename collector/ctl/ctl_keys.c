// ctl_keys - see the header.

#include "collector/ctl/ctl_keys.h"

#include <stdio.h>

#include "shared/net/enrol_client.h"

int
ctl_keys_load(struct client_keys *keys, const struct curve **curve, const char *command,
              const options_t *options)
{
    const char *dir = options_text(options, "keys");
    struct buf why = { 0 };
    int rc = 0;

    *curve = NULL;
    if (dir != NULL)
        rc = client_keys_load(keys, dir, ENROL_OPERATOR_NAME, &why);
    if (rc < 0)
        fprintf(stderr, "zpulse %s: %s\n", command, buf_cstr(&why));
    else if (dir != NULL)
        *curve = &keys->curve;
    buf_release(&why);
    return rc;
}
