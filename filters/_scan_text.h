/* A text as `_scan.c` reads it: character by character into the letters of its skeleton. */
#ifndef SLUICE_SCAN_TEXT_H
#define SLUICE_SCAN_TEXT_H
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
/* The ways a text is read (`filters.kernel`): as it stands, with signs for letters, as a skeleton. */
enum { PLAIN, SIGNS, READ, READINGS };
#define FEW 1280 /* letters that need no memory of their own: those of nearly every slice */

/* One character of the skeleton: offsets are those of the text as received. */
typedef struct {
    uint32_t own, class;
    uint32_t first; /* where its run begins */
    uint32_t begin; /* the same, at most LONGEST_RUN before its end */
    uint32_t last;  /* the last character of its run */
    uint32_t enough; /* the same, where its run is too long for any term: the first one that is too many */
    uint32_t run;   /* characters in its run */
} Letter;

/* Offsets are kept in 32 bits: half of the memory that a slice takes. */
#define LONGEST_TEXT (UINT32_MAX - 1)

typedef struct {
    Letter *letters, few[FEW];
    size_t count, room;
    uint32_t offsets[LONGEST_RUN]; /* of the last run, in a ring */
} Skeleton;

typedef struct {
    PyObject_HEAD
    Py_buffer pages, units, several, slots, marks;
    Py_ssize_t longest;
    unsigned depths; /* of which marks there are, for each kind that is looked for */
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

/* Whether the last letter is this one. */
static inline int
is_last(const Skeleton *skeleton, uint32_t own)
{
    return skeleton->count > 0 && skeleton->letters[skeleton->count - 1].own == own;
}

/* Take one more kept character. */
static inline int
keep(Skeleton *skeleton, uint32_t own, uint32_t class, uint32_t offset)
{
    if (is_last(skeleton, own)) {
        Letter *letter = skeleton->letters + skeleton->count - 1;
        uint32_t *oldest = skeleton->offsets + letter->run++ % LONGEST_RUN;
        if (letter->run > LONGEST_RUN) {
            /* What was the second oldest is the oldest now. */
            letter->begin = skeleton->offsets[letter->run % LONGEST_RUN];
        }
        *oldest = letter->last = offset;
        /* Longer than it can be counted, it is as long as before, and at the same place in the ring. */
        letter->run -= letter->run >> 31 << 30;
        if (letter->run <= LONGEST_RUN + 1)
            letter->enough = offset;
        return 0;
    }
    if (skeleton->count == skeleton->room && grow(skeleton) < 0)
        return -1;
    skeleton->letters[skeleton->count++] = (Letter){own, class, offset, offset, offset, offset, 1};
    skeleton->offsets[0] = offset;
    return 0;
}

/* A text and the way it is read. */
typedef struct {
    const uint16_t *pages;
    const void *data;
    int kind;
    int reading;
    Py_ssize_t size;
} Text;

/* What is known of the character at an offset that is within the text. */
static inline uint64_t
unit_in(const Scanner *self, const Text *text, Py_ssize_t offset)
{
    /* A string has no code beyond the last page. */
    Py_UCS4 code = PyUnicode_READ(text->kind, text->data, offset);
    size_t at = (size_t)text->pages[code >> 8] << 8 | (code & 0xFF);
    return at < (size_t)self->units.len / 8 ? ((const uint64_t *)self->units.buf)[at] : 0;
}

/* The same; nothing where there is none. */
static inline uint64_t
unit_at(const Scanner *self, const Text *text, Py_ssize_t offset)
{
    return offset < 0 || offset >= text->size ? 0 : unit_in(self, text, offset);
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
keep_all(const Scanner *self, Skeleton *skeleton, uint64_t unit, uint32_t offset)
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

#endif
