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
enum { SINGLE, PAIR, SOUND, LETTERS, ROMANISED, BEFORE, BEHIND, BESIDE, TRIPLE, KINDS };
static const uint64_t SEEDS[KINDS] = {0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL, 0x165667B19E3779F9ULL,
                                      0xD6E8FEB86659FD93ULL, 0xA0761D6478BD642FULL, 0xE7037ED1A0B428DBULL,
                                      0x8EBC6AF09C88C6E3ULL, 0, 0x589965CC75374CC3ULL};
/* So many symbols of a pattern, or all of a shorter one, leave a mark: nearly every place settles at a look at it.
 * All that may be written for a pair is too much to have marks of; BEFORE and BEHIND mark either of its characters
 * beside the class of the other. BESIDE marks both classes, in so small a table that it is always near. */
#define DEEPEST 4
static const size_t MARKED[KINDS] = {1, 2, 3, DEEPEST, DEEPEST, 2, 2, 2, 0};
/* What a pattern must have at least. */
static const size_t SHORTEST[KINDS] = {1, 2, 3, 1, 1, 2, 2, 2, 6};

/* Which depths there are marks of: four bits for each kind that is looked for. */
#define DEPTH(trie, depth) ((trie) > ROMANISED ? 0u : 1u << ((trie) * DEEPEST + (int)(depth) - 1))

/* What is known of a beginning. */
#define ENDS 1u
#define GOES_ON 2u
#define HAS_MARK 4u
#define FLAGS 7u

static inline uint64_t
hashed(uint64_t hash, uint32_t symbol)
{
    hash = (hash ^ symbol) * 0xFF51AFD7ED558CCDULL;
    return hash ^ (hash >> 32);
}

/* Syllables are classes in the private use area (`filters.reading`). */
#define IS_SYLLABLE(class) ((class) >= 0xE000 && (class) < 0xF900)

/* Of a term of three characters two stand as listed, or in the classes of letters, and one sounds so: the hash of
 * three symbols, of which one is given by its class alone. */
static inline uint64_t
hashed_triple(const uint32_t *own, const uint32_t *class, int swapped)
{
    uint64_t hash = SEEDS[TRIPLE] + (uint64_t)swapped;
    for (int at = 0; at < 3; at++)
        hash = hashed(hash, at == swapped || !IS_SYLLABLE(class[at]) ? class[at] : own[at]);
    return hash;
}

/* A hash in the range of a table: of its upper half, which the comparison of the lower half leaves out. */
static inline size_t
reduced(uint64_t hash, size_t size)
{
    return (size_t)(((hash >> 32) * (uint64_t)size) >> 32);
}

/* What a mark is made of: a sum of products, whose upper bits are spread well and cost least. The same factors serve
 * all kinds; what they begin with tells them apart. */
static const uint64_t FACTORS[DEEPEST] = {0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL, 0xD6E8FEB86659FD93ULL,
                                          0xFF51AFD7ED558CCDULL};

/* The marks are four tables in one: bits of single symbols, by the lowest bits of each; bits of BESIDE; then, behind a
 * word that says how many words the first of them has, the marks of SOUND, and those of the other kinds. */
#define SINGLE_WORDS 1024
#define SINGLE_BIT(symbol) ((symbol) & (SINGLE_WORDS * 64 - 1))
#define BESIDE_WORDS 4096
#define BESIDE_BIT(mark) ((mark) >> 46)
#define WORDS_BEFORE (SINGLE_WORDS + BESIDE_WORDS + 1)

/* A mark is two bits of one word, so that a look at it is one access: of bits below those that say where the word is. */
#define MARK_FIRST(mark) ((mark) >> 38 & 63)
#define MARK_SECOND(mark) ((mark) >> 32 & 63)

extern const char scan_build_doc[];
PyObject *scan_build(PyObject *module, PyObject *of_all);

extern const char scan_hashes_doc[];
PyObject *scan_hashes(PyObject *module, PyObject *texts);

#endif
