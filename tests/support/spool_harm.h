// spool_harm - what disks, administrators and crashes do to a folder of segments.
//
// In:     a folder of NUMBER.seg files, of an agent's spool or a collector's journal, that nobody
//         writes to now (but for copies).
// Out:    the same folder, changed; how many bytes.
// Source: shared/base/segment.h.

#ifndef TESTS_SUPPORT_SPOOL_HARM_H
#define TESTS_SUPPORT_SPOOL_HARM_H

#include <stddef.h>
#include <stdint.h>

// Puts zeros over the last bytes of the newest segment, 1 to `most` of them: a tail that never came
// to the disk. How many; 0 where there is nothing.
size_t spool_harm_tear(const char *dir, size_t most, uint64_t *seed);
// Flips one bit somewhere in what is written of the newest segment, behind its header. Its place; 0
// where there is nothing.
size_t spool_harm_flip(const char *dir, uint64_t *seed);
// The newest segment says that it is of this version of the format, and is sound.
void spool_harm_version(const char *dir, uint16_t version);
// Copies a folder and all in it; to is emptied before. Files that vanish meanwhile are left out.
void spool_harm_copy(const char *from, const char *to);
// Puts the bytes of the files in `from` into those of the same names in `to`, under whoever has
// them open.
void spool_harm_put_back(const char *from, const char *to);

#endif
