/* How `_scan.c` looks places up in the set of all beginnings (`_scan_set.h`): marks first, then the set itself. */
#ifndef SLUICE_SCAN_WALK_H
#define SLUICE_SCAN_WALK_H
#include "_scan_set.h"
#include "_scan_text.h"

#define IS_OWN(trie) ((trie) <= PAIR) /* the others are read by classes */
/* So many letters are looked up in the marks before the first of them is walked from: by then what it will look at
 * has been fetched. */
#define BATCH 32
#define DEPTH_BITS 3
#define DEPTH_MASK 7u

#if defined(__GNUC__)
#define FETCH(address) __builtin_prefetch(address)
#else
#define FETCH(address) ((void)0)
#endif

/* What a set of beginnings knows of one: its flags, or zero. */
static inline uint32_t
known(const Scanner *self, uint64_t hash)
{
    const uint32_t *slots = self->slots.buf;
    size_t size = (size_t)self->slots.len / 4;
    if (size == 0)
        return 0;
    size_t at = reduced(hash, size);
    /* A full table, which nobody makes, ends it too. */
    for (size_t looks = 0; looks < size && slots[at] != 0; looks++) {
        if (((slots[at] ^ (uint32_t)hash) & ~FLAGS) == 0)
            return slots[at] & FLAGS;
        if (++at == size)
            at = 0;
    }
    return 0;
}

/* The marks, as they are asked of every letter: in variables of their own they stay in registers. */
typedef struct {
    const uint64_t *singles, *beside, *of_sounds, *of_others;
    size_t sounds, others; /* words of the two tables of marks */
    uint32_t depths;
} Marks;

/* Take the marks apart. Returns 0 where there are none, or nothing is looked for. */
static inline int
marks_of(const Scanner *self, Marks *marks)
{
    const uint64_t *words = self->marks.buf;
    size_t count = (size_t)self->marks.len / 8;
    if (count <= WORDS_BEFORE + 1 || (size_t)self->slots.len < sizeof(uint32_t) || !self->depths)
        return 0;
    size_t both = count - WORDS_BEFORE, sounds = words[WORDS_BEFORE - 1] % both;
    if (sounds == 0)
        return 0;
    *marks = (Marks){words, words + SINGLE_WORDS, words + WORDS_BEFORE, words + WORDS_BEFORE + sounds,
                     sounds, both - sounds, self->depths};
    return 1;
}

static inline uint64_t
bit_of(const uint64_t *words, uint64_t at)
{
    return words[at / 64] >> (at & 63) & 1;
}

static inline uint64_t
is_marked(const uint64_t *words, size_t size, uint64_t mark)
{
    uint64_t word = words[reduced(mark, size)];
    return word >> MARK_FIRST(mark) & word >> MARK_SECOND(mark) & 1;
}

/* Called with each place at which a pattern may stand; other than zero ends the search. */
typedef int (*Told)(void *whom, const Letter *letters, size_t first, size_t last, int trie);

/* Whether enough of three characters stands as listed for a term of their classes. Any three syllables are some term's
 * where there are many terms, and nearly all of these end here. */
static int
may_stand(const Scanner *self, const Letter *letters)
{
    uint32_t own[3], class[3];
    for (int at = 0; at < 3; at++) {
        own[at] = letters[at].own;
        class[at] = letters[at].class;
    }
    for (int swapped = 0; swapped < 3; swapped++) {
        if (known(self, hashed_triple(own, class, swapped)) & ENDS)
            return 1;
    }
    return 0;
}

/* Walk a trie from one letter on; nothing ends, or is worth a look, before so many symbols. Returns 1 where it goes on
 * behind the last letter, 0 where not, -1 when told so. */
static int
walk(const Scanner *self, const Skeleton *skeleton, size_t first, int trie, size_t depth, Told told, void *whom)
{
    const Letter *letters = skeleton->letters;
    uint64_t hash = SEEDS[trie];
    for (size_t at = first; at < skeleton->count; at++) {
        hash = hashed(hash, IS_OWN(trie) ? letters[at].own : letters[at].class);
        if (at + 1 - first < depth)
            continue;
        uint32_t flags = known(self, hash);
        int is_triple = trie == SOUND && at - first == 2;
        if (flags & ENDS && (!is_triple || may_stand(self, letters + first)) &&
            told(whom, letters, first, at, trie) != 0)
            return -1;
        if (!(flags & GOES_ON))
            return 0;
    }
    return 1;
}

#define DEPTHS(marks, trie) ((marks)->depths >> ((trie) * DEEPEST) & ((1u << DEEPEST) - 1))

/* The first character of a run at which something romanised may begin, or -1: nothing does in the middle of a word
 * (`filters.locating`). It stays the same however the run goes on, so nobody has to wait for that. */
static inline Py_ssize_t
opening(const Scanner *self, const Text *text, const Letter *letter)
{
    for (Py_ssize_t at = letter->begin; at <= (Py_ssize_t)letter->last; at++) {
        if (unit_in(self, text, at) & KEPT && !(is_word(self, text, at) && is_word(self, text, at - 1)))
            return at;
    }
    return -1;
}

/* How many symbols a walk from here has to look at first; 0 where it is not worth it. Read by classes; made for each
 * kind by itself: this is asked of every letter of every text. */
static inline unsigned
may_begin(const Marks *marks, const Letter *letters, size_t left, const int trie)
{
    uint32_t depths = DEPTHS(marks, trie);
    uint64_t mark = SEEDS[trie];
    for (size_t at = 0; depths >> at; at++) {
        /* At the end of a text a beginning may be shorter than what has a mark. */
        if (at == left)
            return (unsigned)left;
        mark += letters[at].class * FACTORS[at];
        if (depths >> at & 1 && (trie == SOUND ? is_marked(marks->of_sounds, marks->sounds, mark)
                                               : is_marked(marks->of_others, marks->others, mark)))
            return (unsigned)at + 1;
    }
    return 0;
}

/* The same for all kinds, a few bits for each. */
static inline unsigned
worth_at(const Scanner *self, const Text *text, const Marks *marks, const Letter *letters, size_t left)
{
    uint32_t own = letters[0].own, class = letters[0].class;
    unsigned worth = (unsigned)bit_of(marks->singles, SINGLE_BIT(own)) << SINGLE * DEPTH_BITS;
    if (left < MARKED[SOUND]) {
        worth |= may_begin(marks, letters, left, SOUND) << SOUND * DEPTH_BITS;
        if (DEPTHS(marks, PAIR))
            worth |= (left < 2 ? 1u : 2u) << PAIR * DEPTH_BITS;
    } else {
        uint64_t two = class * FACTORS[0] + letters[1].class * FACTORS[1];
        uint64_t sound = SEEDS[SOUND] + two + letters[2].class * FACTORS[2];
        worth |= (unsigned)is_marked(marks->of_sounds, marks->sounds, sound) * 3 << SOUND * DEPTH_BITS;
        if (bit_of(marks->beside, BESIDE_BIT(two))) {
            uint64_t before = SEEDS[BEFORE] + own * FACTORS[0] + letters[1].class * FACTORS[1];
            uint64_t behind = SEEDS[BEHIND] + class * FACTORS[0] + letters[1].own * FACTORS[1];
            worth |= (unsigned)(is_marked(marks->of_others, marks->others, before) |
                                is_marked(marks->of_others, marks->others, behind)) << (PAIR * DEPTH_BITS + 1);
        }
    }
    if (class < 128 || own < 128) {
        worth |= may_begin(marks, letters, left, LETTERS) << LETTERS * DEPTH_BITS;
        unsigned romanised = may_begin(marks, letters, left, ROMANISED);
        if (romanised && opening(self, text, letters) >= 0)
            worth |= romanised << ROMANISED * DEPTH_BITS;
    }
    return worth;
}

/* Have what a walk looks at first fetched. */
static void
fetch(const Scanner *self, const Letter *letters, size_t left, unsigned worth)
{
    for (int trie = 0; worth != 0; trie++, worth >>= DEPTH_BITS) {
        uint64_t hash = SEEDS[trie];
        for (size_t at = 0; at < (worth & DEPTH_MASK) && at < left; at++)
            hash = hashed(hash, IS_OWN(trie) ? letters[at].own : letters[at].class);
        if (worth & DEPTH_MASK)
            FETCH((const uint32_t *)self->slots.buf + reduced(hash, (size_t)self->slots.len / 4));
    }
}

/* The first letter from which a trie goes on behind the last one. */
typedef struct {
    size_t floor;  /* what stands before this letter is not asked */
    size_t letter; /* as many as there are where there is none */
    Py_ssize_t offset; /* where something that begins in its run may begin in the text */
} Live;

static inline void
hold(Live *live, const Scanner *self, const Text *text, const Skeleton *skeleton, size_t at, int trie)
{
    if (at < live->floor || at > live->letter)
        return;
    const Letter *letter = skeleton->letters + at;
    Py_ssize_t offset = trie == ROMANISED ? opening(self, text, letter) : (Py_ssize_t)letter->begin;
    if (at < live->letter || offset < live->offset)
        live->offset = offset;
    live->letter = at;
}

/* Walk all tries from each of some letters on. Returns -1 when told so. */
static inline int
walk_all(const Scanner *self, const Text *text, const Skeleton *skeleton, size_t end, Told told, void *whom,
         Live *live)
{
    unsigned worth[BATCH];
    Marks marks;
    if (!marks_of(self, &marks))
        return 0;
    for (size_t from = 0; from < end; from += BATCH) {
        size_t some = end - from < BATCH ? end - from : BATCH;
        for (size_t at = 0; at < some; at++) {
            const Letter *letter = skeleton->letters + from + at;
            size_t left = skeleton->count - from - at;
            worth[at] = worth_at(self, text, &marks, letter, left);
            if (worth[at])
                fetch(self, letter, left, worth[at]);
        }
        for (size_t at = 0; at < some; at++) {
            unsigned depths = worth[at];
            for (int trie = 0; depths != 0; trie++, depths >>= DEPTH_BITS) {
                if (!(depths & DEPTH_MASK))
                    continue;
                int walked = walk(self, skeleton, from + at, trie, depths & DEPTH_MASK, told, whom);
                if (walked < 0)
                    return -1;
                if (walked)
                    hold(live, self, text, skeleton, from + at, trie);
            }
        }
    }
    return 0;
}

#endif
