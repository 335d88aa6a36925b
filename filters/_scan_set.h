/* The set of all beginnings of all patterns: what `_scan.c` walks, and `_scan_set.c` builds.
 *
 * A trie, kept as the hash of every beginning of every pattern, with bits that say whether a pattern ends there and
 * whether one goes on. A walk hashes one more symbol at a time and ends where the set does not know the hash. Two
 * beginnings may share what is kept of a hash; then a place is proposed that nobody needs, and none is lost.
 */
#ifndef SLUICE_SCAN_SET_H
#define SLUICE_SCAN_SET_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

/* Kinds of patterns: each a trie of its own, told apart by what its hashes begin with. */
enum { SINGLE, PAIR, SOUND, LETTERS, ROMANISED, BEFORE, BEHIND, KINDS };
static const uint64_t SEEDS[KINDS] = {0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL, 0x165667B19E3779F9ULL,
                                      0xD6E8FEB86659FD93ULL, 0xA0761D6478BD642FULL, 0xE7037ED1A0B428DBULL,
                                      0x8EBC6AF09C88C6E3ULL};
/* So many symbols of a pattern, and it has no fewer, leave a mark: nearly every place settles at a look at one.
 * All that may be written for a pair is too much to have marks of; BEFORE and BEHIND mark either of its characters
 * beside the class of the other. */
static const size_t MARKED[KINDS] = {1, 0, 3, 1, 1, 2, 2};

/* What is known of a beginning. */
#define ENDS 1u
#define GOES_ON 2u
#define LEAVES_MARK 4u
#define FLAGS 7u

static inline uint64_t
hashed(uint64_t hash, uint32_t symbol)
{
    hash = (hash ^ symbol) * 0xFF51AFD7ED558CCDULL;
    return hash ^ (hash >> 32);
}

/* A hash in the range of a table: of its upper half, which the comparison of the lower half leaves out. */
static inline size_t
reduced(uint64_t hash, size_t size)
{
    return (size_t)(((hash >> 32) * (uint64_t)size) >> 32);
}

/* Where a hash has its marks: two, of which the second is seldom looked at. */
static inline size_t
mark_of(uint64_t hash, int second, size_t bits)
{
    return reduced(second ? (hash | FLAGS) * 0x9E3779B97F4A7C15ULL : hash, bits);
}


extern const char scan_build_doc[];
PyObject *scan_build(PyObject *module, PyObject *of_all);

#endif
