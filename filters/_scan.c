/* One pass over a text: fold, leave out separators, write runs once, and propose where a term may stand.
 *
 * This module decides nothing. It proposes every place at which a pattern of a lexicon may stand, and some at which
 * none does; `filters.lexicon` and `filters.locating` settle each. Everything it computes is computed in Python too
 * (`filters.reading`, `filters.beginnings`), and property tests hold the two equal. It exists because harmless text,
 * which is nearly all text, then costs one pass.
 *
 * Patterns are one trie, kept as a set: the hash of every beginning of every pattern, with two bits that say whether
 * a pattern ends there and whether one goes on. A walk hashes one more symbol at a time and ends where the set does
 * not know the hash. Two beginnings may share what is kept of a hash; then a place is proposed that nobody needs.
 *
 * Rules: no byte of a table is trusted (every index is checked or reduced to its range), nothing is kept between two
 * calls, no Python code runs while a text is read, and memory is bounded by the piece that is read.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

/* What is known of a code point, in 64 bits (`filters.kernel` writes them): its fold, the class of that, and flags. */
#define CODE(unit) ((uint32_t)(unit) & 0x1FFFFF)
#define CLASS(unit) ((uint32_t)((unit) >> 21) & 0x1FFFFF)
#define FLAG(number) (1ULL << (42 + (number)))
#define KEPT FLAG(0)      /* otherwise it is dropped */
#define INVISIBLE FLAG(1) /* dropped, and not seen */
#define SEVERAL FLAG(2)   /* folds to several: CODE is where they begin in the list, CLASS how many they are */
#define WORD FLAG(3)      /* a plain Latin letter or digit, as received */
#define SIGN FLAG(4)      /* may be read as a letter */
#define SIGN_BEHIND FLAG(5) /* a sign that a letter before it is company enough for */
#define SIGN_ALONE FLAG(6)  /* a sign that needs no company */
#define COMPANY FLAG(7)     /* a sign before it may be read as a letter */

/* Bounds of `filters.reading`. */
#define LONGEST_RUN 32
#define GAP_SEPARATORS 8
#define GAP_CHARACTERS 64
#define BREAK 0xFFFE

#define PAGES 0x1100 /* of 256 code points each */
#define READINGS 3
/* One call reads about so many characters: it holds the interpreter's lock. */
#define SLICE 4096
#define FEW 256 /* letters that need no memory of their own */
#define MOST_SLOTS 0x7FFFFFFF

/* Kinds of patterns: each a trie of its own, told apart by what its hashes begin with. */
enum { SINGLE, PAIR, SOUND, LETTERS, ROMANISED, BEFORE, BEHIND, KINDS };
static const uint64_t SEEDS[KINDS] = {0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL, 0x165667B19E3779F9ULL,
                                      0xD6E8FEB86659FD93ULL, 0xA0761D6478BD642FULL, 0xE7037ED1A0B428DBULL,
                                      0x8EBC6AF09C88C6E3ULL};
/* So many symbols of a pattern, and it has no fewer, leave a mark: nearly every place settles at a look at one.
 * All that may be written for a pair is too much to have marks of; BEFORE and BEHIND mark either of its characters
 * beside the class of the other. */
static const size_t MARKED[KINDS] = {1, 0, 3, 1, 1, 2, 2};
#define IS_OWN(trie) ((trie) <= PAIR) /* the others are read by classes */

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

/* One character of the skeleton: offsets are those of the text as received. */
typedef struct {
    uint32_t own, class;
    Py_ssize_t first; /* where its run begins */
    Py_ssize_t begin; /* the same, at most LONGEST_RUN before its end */
    Py_ssize_t last;  /* the last character of its run */
    Py_ssize_t run;   /* characters in its run */
} Letter;

typedef struct {
    Letter *letters, few[FEW];
    size_t count, room;
    Py_ssize_t offsets[LONGEST_RUN]; /* of the last run, in a ring */
} Skeleton;

typedef struct {
    PyObject_HEAD
    Py_buffer pages, units, several, slots, marks;
    Py_ssize_t longest;
    unsigned kinds; /* a bit for each kind of which there are patterns */
} Scanner;

static int
grow(Skeleton *skeleton)
{
    size_t room = skeleton->room * 2;
    if (room > PY_SSIZE_T_MAX / sizeof(Letter)) {
        PyErr_NoMemory();
        return -1;
    }
    Letter *few = skeleton->letters == skeleton->few ? NULL : skeleton->letters;
    Letter *letters = PyMem_Realloc(few, room * sizeof(Letter));
    if (letters == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (few == NULL)
        memcpy(letters, skeleton->few, sizeof(skeleton->few));
    skeleton->letters = letters;
    skeleton->room = room;
    return 0;
}

static inline void
begin(Skeleton *skeleton)
{
    skeleton->letters = skeleton->few;
    skeleton->count = 0;
    skeleton->room = FEW;
}

static inline void
end(Skeleton *skeleton)
{
    if (skeleton->letters != skeleton->few)
        PyMem_Free(skeleton->letters);
}

/* Take one more kept character. */
static inline int
keep(Skeleton *skeleton, uint32_t own, uint32_t class, Py_ssize_t offset)
{
    Letter *letter = skeleton->letters + skeleton->count - 1;
    if (skeleton->count > 0 && letter->own == own) {
        Py_ssize_t *oldest = skeleton->offsets + letter->run++ % LONGEST_RUN;
        if (letter->run > LONGEST_RUN) {
            /* What was the second oldest is the oldest now. */
            letter->begin = skeleton->offsets[letter->run % LONGEST_RUN];
        }
        *oldest = letter->last = offset;
        return 0;
    }
    if (skeleton->count == skeleton->room && grow(skeleton) < 0)
        return -1;
    skeleton->letters[skeleton->count++] = (Letter){own, class, offset, offset, offset, 1};
    skeleton->offsets[0] = offset;
    return 0;
}

/* A text and the way it is read. */
typedef struct {
    const uint16_t *pages;
    const void *data;
    int kind;
    Py_ssize_t size;
} Text;

/* What is known of a character; nothing where there is none. */
static inline uint64_t
unit_at(const Scanner *self, const Text *text, Py_ssize_t offset)
{
    if (offset < 0 || offset >= text->size)
        return 0;
    Py_UCS4 code = PyUnicode_READ(text->kind, text->data, offset);
    size_t at = ((size_t)text->pages[(code >> 8) % PAGES] << 8) | (code & 0xFF);
    return at < (size_t)self->units.len / 8 ? ((const uint64_t *)self->units.buf)[at] : 0;
}

static inline uint64_t
several_at(const Scanner *self, uint64_t unit, uint32_t number)
{
    size_t at = (size_t)CODE(unit) + number;
    return at < (size_t)self->several.len / 8 ? ((const uint64_t *)self->several.buf)[at] : 0;
}

/* Whether a plain letter or digit stands somewhere. */
static inline int
is_word(const Scanner *self, const Text *text, Py_ssize_t offset)
{
    return (unit_at(self, text, offset) & WORD) != 0;
}

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

/* Where a hash has its marks: two, of which the second is seldom looked at. */
static inline size_t
mark_of(uint64_t hash, int second, size_t bits)
{
    return reduced(second ? (hash | FLAGS) * 0x9E3779B97F4A7C15ULL : hash, bits);
}

static inline int
is_marked(const Scanner *self, uint64_t hash)
{
    const uint8_t *marks = self->marks.buf;
    size_t bits = (size_t)self->marks.len * 8, first = mark_of(hash, 0, bits);
    if (bits == 0 || !(marks[first >> 3] >> (first & 7) & 1))
        return 0;
    size_t second = mark_of(hash, 1, bits);
    return marks[second >> 3] >> (second & 7) & 1;
}

/* Whether a term of two characters may be written by two letters. */
static inline int
may_be_pair(const Scanner *self, const Letter *letters)
{
    return is_marked(self, hashed(hashed(SEEDS[BEFORE], letters[0].own), letters[1].class)) ||
           is_marked(self, hashed(hashed(SEEDS[BEHIND], letters[0].class), letters[1].own));
}

/* Called with each place at which a pattern may stand; other than zero ends the search. */
typedef int (*Told)(void *whom, const Letter *letters, size_t first, size_t last, int trie);

/* Walk a trie from one letter on. Returns 1 where it goes on behind the last letter, 0 where not, -1 when told so. */
static int
walk(const Scanner *self, const Skeleton *skeleton, size_t first, int trie, Told told, void *whom)
{
    const Letter *letters = skeleton->letters;
    size_t count = skeleton->count, at = first;
    size_t marked_at = count - first < MARKED[trie] ? count : first + MARKED[trie];
    uint64_t hash = SEEDS[trie];
    for (; at < marked_at; at++)
        hash = hashed(hash, IS_OWN(trie) ? letters[at].own : letters[at].class);
    if (MARKED[trie] && at - first == MARKED[trie] && !is_marked(self, hash))
        return 0;
    for (;;) {
        uint32_t flags = at == first ? GOES_ON : known(self, hash);
        if (flags & ENDS && told(whom, letters, first, at - 1, trie) != 0)
            return -1;
        if (!(flags & GOES_ON) || at == count)
            return (flags & GOES_ON) != 0;
        hash = hashed(hash, IS_OWN(trie) ? letters[at].own : letters[at].class);
        at++;
    }
}

/* Walk all tries from one letter on; the answer is the same. */
static int
walk_all(const Scanner *self, const Text *text, const Skeleton *skeleton, size_t first, Told told, void *whom)
{
    const Letter *letter = skeleton->letters + first;
    int live = 0;
    for (int trie = 0; trie < BEFORE; trie++) {
        if (!(self->kinds >> trie & 1) || (trie >= LETTERS && letter->class > 127 && letter->own > 127))
            continue;
        if (trie == PAIR && first + 1 < skeleton->count && !may_be_pair(self, letter))
            continue;
        /* Nothing romanised stands in the middle of a word (`filters.locating`). */
        if (trie == ROMANISED && letter->run == 1 && is_word(self, text, letter->first - 1) &&
            is_word(self, text, letter->first))
            continue;
        int walked = walk(self, skeleton, first, trie, told, whom);
        if (walked < 0)
            return -1;
        live |= walked;
    }
    return live;
}

/* What was dropped since the last kept character. */
typedef struct {
    int characters, separators;
} Gap;

/* Take one more dropped character. Returns 1 where the gap becomes too long for any term. */
static inline int
widen(Gap *gap, uint64_t unit)
{
    /* Behind a gap that is too long nothing changes. */
    if (gap->characters > GAP_CHARACTERS || gap->separators > GAP_SEPARATORS)
        return 0;
    gap->characters++;
    gap->separators += !(unit & INVISIBLE);
    return gap->characters > GAP_CHARACTERS || gap->separators > GAP_SEPARATORS;
}

/* Take one more kept character, in all its folds. */
static inline int
keep_all(const Scanner *self, Skeleton *skeleton, uint64_t unit, Py_ssize_t offset)
{
    if (!(unit & SEVERAL))
        return keep(skeleton, CODE(unit), CLASS(unit), offset);
    for (uint32_t number = 0; number < CLASS(unit); number++) {
        uint64_t one = several_at(self, unit, number);
        if (keep(skeleton, CODE(one), CLASS(one), offset) < 0)
            return -1;
    }
    return 0;
}

/* Whether a sign has the company that makes it a letter (`SIGN_BY_LETTER` of `filters.reading`). */
static int
has_company(const Scanner *self, const Text *text, uint64_t unit, Py_ssize_t offset)
{
    return unit & SIGN_ALONE || unit_at(self, text, offset + 1) & COMPANY ||
           (unit & SIGN_BEHIND && is_word(self, text, offset - 1));
}

/* Read the text, and the number of the reading, from the arguments of a call. */
static int
text_of(const Scanner *self, Text *text, PyObject *const *arguments, Py_ssize_t count, Py_ssize_t wanted, int at)
{
    if (count != wanted || !PyUnicode_Check(arguments[0]) || !PyLong_Check(arguments[at])) {
        PyErr_SetString(PyExc_TypeError, "wants a text, offsets in it, and the number of a reading");
        return -1;
    }
    long reading = PyLong_AsLong(arguments[at]);
    if (reading < 0 || reading >= READINGS) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "there is no such reading");
        return -1;
    }
    text->pages = (const uint16_t *)self->pages.buf + reading * PAGES;
    text->data = PyUnicode_DATA(arguments[0]);
    text->kind = PyUnicode_KIND(arguments[0]);
    text->size = PyUnicode_GET_LENGTH(arguments[0]);
    return 0;
}

static int
offset_of(Py_ssize_t *offset, PyObject *argument, Py_ssize_t most)
{
    *offset = PyLong_AsSsize_t(argument);
    if (*offset < 0 || *offset > most) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the offset is not within the text");
        return -1;
    }
    return 0;
}

static Py_UCS4
widest(const Letter *letters, size_t first, size_t last)
{
    Py_UCS4 most = 0;
    for (size_t at = first; at <= last; at++)
        most |= letters[at].own;
    return most > 0x10FFFF ? 0x10FFFF : most;
}

/* Places that are proposed of a whole text. */
typedef struct {
    const Scanner *self;
    const Text *text;
    PyObject *places;
} Proposal;

static int
propose(void *whom, const Letter *letters, size_t first, size_t last, int trie)
{
    Proposal *proposal = whom;
    const Letter *end = letters + last;
    if (trie == ROMANISED && end->run == 1 && is_word(proposal->self, proposal->text, end->last) &&
        is_word(proposal->self, proposal->text, end->last + 1))
        return 0;
    /* Letters before it that come from the same character: reading that one gives them too. */
    size_t skipped = 0;
    while (skipped < first && letters[first - skipped - 1].last == letters[first].first)
        skipped++;
    PyObject *written = PyUnicode_New((Py_ssize_t)(last - first + 1), widest(letters, first, last));
    if (written == NULL)
        return -1;
    for (size_t at = first; at <= last; at++)
        PyUnicode_WRITE(PyUnicode_KIND(written), PyUnicode_DATA(written), at - first, letters[at].own);
    PyObject *place = Py_BuildValue("(nnnN)", letters[first].first, end->last + 1, (Py_ssize_t)skipped, written);
    if (place == NULL)
        return -1;
    int status = PyList_Append(proposal->places, place);
    Py_DECREF(place);
    return status;
}

/* Read a slice of a whole text and what a term that begins in it may need behind it.
 *
 * Gives the offset that the next slice begins at, how many letters belong to this one, and the offset of the first
 * sign that may be a letter, or -1. */
static int
read_slice(const Scanner *self, const Text *text, Py_ssize_t start, Skeleton *skeleton, Py_ssize_t *next,
           size_t *limit, Py_ssize_t *sign)
{
    Gap gap = {0, 0};
    Py_ssize_t cut = text->size - start > SLICE ? start + SLICE : text->size;
    int ahead = 0;
    *sign = -1;
    *next = text->size;
    for (Py_ssize_t at = start; at < text->size; at++) {
        uint64_t unit = unit_at(self, text, at);
        if (unit & SIGN && *sign < 0 && has_company(self, text, unit, at))
            *sign = at;
        if (unit & KEPT) {
            const Letter *letter = skeleton->letters + skeleton->count - 1;
            uint32_t own = CODE(unit & SEVERAL ? several_at(self, unit, 0) : unit);
            int runs_on = skeleton->count > 0 && letter->own == own;
            if (at >= cut && !ahead && !runs_on) {
                ahead = 1;
                *next = at;
                *limit = skeleton->count;
            }
            /* No term is longer, and none reaches over so long a run. */
            if (ahead && (skeleton->count - *limit > (size_t)self->longest ||
                          (runs_on && letter->run > LONGEST_RUN)))
                return 0;
            if (keep_all(self, skeleton, unit, at) < 0)
                return -1;
            gap = (Gap){0, 0};
        } else if (widen(&gap, unit)) {
            if (ahead)
                return 0;
            if (keep(skeleton, BREAK, BREAK, at) < 0)
                return -1;
        }
    }
    if (!ahead)
        *limit = skeleton->count;
    return 0;
}

PyDoc_STRVAR(scan_doc, "scan(text, start, reading) -> (next, sign, places)");

static PyObject *
scan(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    const Scanner *self = (Scanner *)object;
    Text text;
    Py_ssize_t start, next, sign;
    if (text_of(self, &text, arguments, count, 3, 2) < 0 || offset_of(&start, arguments[1], text.size) < 0)
        return NULL;
    PyObject *places = PyList_New(0);
    if (places == NULL)
        return NULL;
    Proposal proposal = {self, &text, places};
    Skeleton skeleton;
    size_t limit = 0;
    begin(&skeleton);
    int status = read_slice(self, &text, start, &skeleton, &next, &limit, &sign);
    for (size_t first = 0; status >= 0 && first < limit; first++)
        status = walk_all(self, &text, &skeleton, first, propose, &proposal);
    end(&skeleton);
    if (status < 0) {
        Py_DECREF(places);
        return NULL;
    }
    return Py_BuildValue("(nnN)", next, sign, places);
}

/* Ends the search at a place that ends in the part of a text that is new. */
static int
is_new(void *whom, const Letter *letters, size_t Py_UNUSED(first), size_t last, int Py_UNUSED(trie))
{
    return letters[last].first >= *(Py_ssize_t *)whom;
}

/* Return the first letter that may grow into a pattern, the number of all where none may, -1 where one may stand. */
static Py_ssize_t
first_live(const Scanner *self, const Text *text, const Skeleton *skeleton, Py_ssize_t fresh)
{
    size_t live = skeleton->count, floor = 0;
    for (size_t at = 0; at < skeleton->count; at++) {
        if (skeleton->letters[at].run > LONGEST_RUN)
            floor = at;
    }
    for (size_t at = 0; at < skeleton->count; at++) {
        int walked = walk_all(self, text, skeleton, at, is_new, &fresh);
        if (walked < 0)
            return -1;
        if (walked && at >= floor && live == skeleton->count)
            live = at;
    }
    return (Py_ssize_t)live;
}

PyDoc_STRVAR(tail_doc, "tail(text, start, fresh, reading) -> (begin, live, sign) | None");

static PyObject *
tail(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    const Scanner *self = (Scanner *)object;
    Text text;
    Py_ssize_t start, fresh, live = 0, sign = -1;
    if (text_of(self, &text, arguments, count, 4, 3) < 0 || offset_of(&start, arguments[1], text.size) < 0 ||
        offset_of(&fresh, arguments[2], text.size) < 0)
        return NULL;
    Skeleton skeleton;
    Gap gap = {0, 0};
    begin(&skeleton);
    for (Py_ssize_t at = start; at < text.size && live >= 0; at++) {
        uint64_t unit = unit_at(self, &text, at);
        if (unit & SIGN)
            sign = at;
        if (unit & KEPT) {
            gap = (Gap){0, 0};
            if (keep_all(self, &skeleton, unit, at) < 0) {
                end(&skeleton);
                return NULL;
            }
        } else if (widen(&gap, unit)) {
            /* No term reaches over it: what stands before it is done with. */
            live = first_live(self, &text, &skeleton, fresh);
            skeleton.count = 0;
        }
    }
    if (live >= 0)
        live = first_live(self, &text, &skeleton, fresh);
    Py_ssize_t from = text.size, open = -1;
    if (live >= 0 && skeleton.count > 0) {
        /* The last letter stays in any case: what repeats it is no new one. */
        size_t first = (size_t)live < skeleton.count ? (size_t)live : skeleton.count - 1;
        from = skeleton.letters[first].begin;
        open = (size_t)live < skeleton.count ? from : -1;
    }
    end(&skeleton);
    if (live < 0)
        Py_RETURN_NONE;
    return Py_BuildValue("(nnn)", from, open, sign);
}

/* The set of beginnings while it is built: whole hashes, of which the lowest bits are the flags. */
typedef struct {
    uint64_t *hashes;
    size_t room, count;
} Builder;

/* Find the slot of a hash in a table of whole ones, which is never full. */
static size_t
slot_of(const uint64_t *hashes, size_t room, uint64_t hash)
{
    size_t at = reduced(hash, room);
    while (hashes[at] != 0 && ((hashes[at] ^ hash) & ~(uint64_t)FLAGS) != 0)
        at = at + 1 == room ? 0 : at + 1;
    return at;
}

static int
insert(Builder *builder, uint64_t hash, uint32_t flags)
{
    if (builder->count * 4 >= builder->room * 3) {
        size_t room = builder->room ? builder->room * 2 : 1024;
        uint64_t *hashes = room > MOST_SLOTS ? NULL : PyMem_Calloc(room, sizeof(uint64_t));
        if (hashes == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        for (size_t at = 0; at < builder->room; at++) {
            if (builder->hashes[at] != 0)
                hashes[slot_of(hashes, room, builder->hashes[at])] = builder->hashes[at];
        }
        PyMem_Free(builder->hashes);
        builder->hashes = hashes;
        builder->room = room;
    }
    size_t at = slot_of(builder->hashes, builder->room, hash);
    builder->count += builder->hashes[at] == 0;
    builder->hashes[at] = (hash & ~(uint64_t)FLAGS) | (builder->hashes[at] & FLAGS) | flags;
    return 0;
}

/* Take one pattern. */
static int
take(Builder *builder, int trie, PyObject *pattern, Py_ssize_t *longest)
{
    Py_ssize_t size = PyUnicode_Check(pattern) ? PyUnicode_GET_LENGTH(pattern) : 0;
    if (size < 1 || size < (Py_ssize_t)MARKED[trie]) {
        PyErr_SetString(PyExc_ValueError, "a pattern is no text, or too short for its kind");
        return -1;
    }
    uint64_t hash = SEEDS[trie];
    for (Py_ssize_t at = 0; at < size; at++) {
        hash = hashed(hash, PyUnicode_READ_CHAR(pattern, at));
        uint32_t flags = at + 1 == size ? ENDS : GOES_ON;
        if (insert(builder, hash, (size_t)at + 1 == MARKED[trie] ? flags | LEAVES_MARK : flags) < 0)
            return -1;
    }
    *longest = size > *longest ? size : *longest;
    return 0;
}

/* Write the set in half of the memory for each hash, and the marks. */
static void
write_tables(const Builder *builder, uint32_t *slots, size_t size, uint8_t *marks, size_t bits)
{
    for (size_t from = 0; from < builder->room; from++) {
        uint64_t hash = builder->hashes[from];
        if (hash == 0)
            continue;
        size_t at = reduced(hash, size);
        /* What two beginnings share answers for both. */
        while (slots[at] != 0 && ((slots[at] ^ (uint32_t)hash) & ~FLAGS) != 0)
            at = at + 1 == size ? 0 : at + 1;
        slots[at] |= (uint32_t)hash;
        if (hash & LEAVES_MARK) {
            for (int second = 0; second < 2; second++) {
                size_t bit = mark_of(hash, second, bits);
                marks[bit >> 3] |= (uint8_t)(1u << (bit & 7));
            }
        }
    }
}

PyDoc_STRVAR(build_doc, "build(patterns of each kind) -> (slots, marks, longest, kinds)");

static PyObject *
build(PyObject *Py_UNUSED(module), PyObject *of_all)
{
    Builder builder = {NULL, 0, 0};
    Py_ssize_t longest = 0, kinds = 0, marked = 0;
    PyObject *slots = NULL, *marks = NULL, *patterns = NULL;
    if (!PyTuple_Check(of_all) || PyTuple_GET_SIZE(of_all) != KINDS) {
        PyErr_SetString(PyExc_TypeError, "wants a tuple of the patterns of each kind");
        return NULL;
    }
    for (int trie = 0; trie < KINDS; trie++) {
        PyObject *pattern;
        patterns = PyObject_GetIter(PyTuple_GET_ITEM(of_all, trie));
        while (patterns != NULL && (pattern = PyIter_Next(patterns)) != NULL) {
            int status = take(&builder, trie, pattern, &longest);
            Py_DECREF(pattern);
            if (status < 0)
                goto failed;
            kinds |= 1 << trie;
        }
        if (PyErr_Occurred())
            goto failed;
        Py_CLEAR(patterns);
    }
    for (size_t at = 0; at < builder.room; at++)
        marked += builder.hashes[at] != 0 && builder.hashes[at] & LEAVES_MARK;
    /* Two thirds full, and one mark for sixteen bits: a miss ends soon. */
    size_t size = builder.count + builder.count / 2 + 1, bytes = (size_t)marked * 2 + 1;
    slots = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(size * sizeof(uint32_t)));
    marks = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
    if (slots == NULL || marks == NULL)
        goto failed;
    memset(PyBytes_AS_STRING(slots), 0, size * sizeof(uint32_t));
    memset(PyBytes_AS_STRING(marks), 0, bytes);
    write_tables(&builder, (uint32_t *)PyBytes_AS_STRING(slots), size, (uint8_t *)PyBytes_AS_STRING(marks), bytes * 8);
    PyMem_Free(builder.hashes);
    return Py_BuildValue("(NNnn)", slots, marks, longest, kinds);
failed:
    PyMem_Free(builder.hashes);
    Py_XDECREF(slots);
    Py_XDECREF(marks);
    Py_XDECREF(patterns);
    return NULL;
}

static void
release(PyObject *object)
{
    Scanner *self = (Scanner *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (Py_buffer *each = &self->pages; each <= &self->marks; each++)
        PyBuffer_Release(each);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"pages", "units", "several", "slots", "marks", "longest", "kinds", NULL};
    Scanner *self = (Scanner *)type->tp_alloc(type, 0); /* zeroed: releasing a buffer that is none does nothing */
    if (self == NULL)
        return NULL;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "y*y*y*y*y*nI", names, &self->pages, &self->units,
                                     &self->several, &self->slots, &self->marks, &self->longest, &self->kinds))
        goto failed;
    int is_writable = 0;
    for (Py_buffer *each = &self->pages; each <= &self->marks; each++)
        is_writable |= !each->readonly || (uintptr_t)each->buf % sizeof(uint32_t) != 0;
    if (is_writable || self->pages.len != READINGS * PAGES * (Py_ssize_t)sizeof(uint16_t) || self->longest < 0 ||
        (uintptr_t)self->units.buf % 8 || (uintptr_t)self->several.buf % 8) {
        PyErr_SetString(PyExc_ValueError, "the tables are not as they are written: pages of all readings, read-only");
        goto failed;
    }
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static PyMethodDef methods[] = {
    {"scan", (PyCFunction)(void (*)(void))scan, METH_FASTCALL, scan_doc},
    {"tail", (PyCFunction)(void (*)(void))tail, METH_FASTCALL, tail_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots_of_type[] = {
    {Py_tp_new, make}, {Py_tp_dealloc, release}, {Py_tp_methods, methods}, {0, NULL}};

static PyType_Spec scanner_type = {"filters._scan.Scanner", sizeof(Scanner), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots_of_type};

static PyMethodDef functions[] = {{"build", build, METH_O, build_doc}, {NULL, NULL, 0, NULL}};

static int
fill(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&scanner_type);
    int status = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);
    Py_XDECREF(type);
    return status;
}

static PyModuleDef_Slot slots_of_module[] = {{Py_mod_exec, fill}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "filters._scan", "One pass over a text, for `filters.kernel`.", 0, functions,
    slots_of_module, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__scan(void)
{
    return PyModuleDef_Init(&definition);
}
