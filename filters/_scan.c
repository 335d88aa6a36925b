/* One pass over a text: fold, leave out separators, write runs once, and propose where a term may stand.
 *
 * This module decides nothing. It proposes every place at which a pattern of a lexicon may stand, and some at which
 * none does; `filters.lexicon` and `filters.locating` settle each. Everything it computes is computed in Python too
 * (`filters.reading`, `filters.beginnings`), and property tests hold the two equal. It exists because harmless text,
 * which is nearly all text, then costs one pass. What it looks for is a set of hashes (`_scan_set.h`).
 *
 * Rules: no byte of a table is trusted (every index is checked or reduced to its range), nothing is kept between two
 * calls, and memory is bounded by the slice, or the piece, that is read.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "_scan_mixed.h"
#include "_scan_set.h"
#include "_scan_text.h"

/* One call reads about so many characters: it holds the interpreter's lock. */
#define SLICE 4096
#define IS_OWN(trie) ((trie) <= PAIR) /* the others are read by classes */

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

/* Called with each place at which a pattern may stand; other than zero ends the search. */
typedef int (*Told)(void *whom, const Letter *letters, size_t first, size_t last, int trie);

/* Walk a trie from one letter on. Returns 1 where it goes on behind the last letter, 0 where not, -1 when told so. */
static int
walk(const Scanner *self, const Skeleton *skeleton, size_t first, int trie, Told told, void *whom)
{
    const Letter *letters = skeleton->letters;
    uint64_t hash = SEEDS[trie];
    for (size_t at = first; at < skeleton->count; at++) {
        hash = hashed(hash, IS_OWN(trie) ? letters[at].own : letters[at].class);
        /* Where every pattern has a mark behind so many symbols, nothing ends before. */
        if (at + 1 - first < MARKED[trie] && at + 1 < skeleton->count)
            continue;
        uint32_t flags = known(self, hash);
        if (flags & ENDS && told(whom, letters, first, at, trie) != 0)
            return -1;
        if (!(flags & GOES_ON))
            return 0;
    }
    return 1;
}

/* Whether a walk is worth it. Made for each kind by itself: this is asked of every letter of every text. */
static inline int
may_begin(const Scanner *self, const Skeleton *skeleton, size_t first, const int trie)
{
    const Letter *letters = skeleton->letters + first;
    if (!(self->kinds >> trie & 1))
        return 0;
    /* At the end of a text a beginning may be shorter than what has a mark. */
    if (skeleton->count - first < (trie == PAIR ? 2 : MARKED[trie]))
        return 1;
    if (trie == PAIR)
        return is_marked(self, hashed(hashed(SEEDS[BEFORE], letters[0].own), letters[1].class)) ||
               is_marked(self, hashed(hashed(SEEDS[BEHIND], letters[0].class), letters[1].own));
    uint64_t hash = SEEDS[trie];
    for (size_t at = 0; at < MARKED[trie]; at++)
        hash = hashed(hash, IS_OWN(trie) ? letters[at].own : letters[at].class);
    return is_marked(self, hash);
}

/* Walk all tries from one letter on; the answer is the same. */
static inline int
walk_all(const Scanner *self, const Text *text, const Skeleton *skeleton, size_t first, Told told, void *whom)
{
    const Letter *letter = skeleton->letters + first;
    unsigned worth = (unsigned)may_begin(self, skeleton, first, SINGLE) << SINGLE |
                     (unsigned)may_begin(self, skeleton, first, PAIR) << PAIR |
                     (unsigned)may_begin(self, skeleton, first, SOUND) << SOUND;
    if (letter->class < 128 || letter->own < 128) {
        /* Nothing romanised stands in the middle of a word (`filters.locating`). */
        int in_word = letter->run == 1 && is_word(self, text, letter->first - 1) && is_word(self, text, letter->first);
        worth |= (unsigned)may_begin(self, skeleton, first, LETTERS) << LETTERS;
        worth |= (unsigned)(!in_word && may_begin(self, skeleton, first, ROMANISED)) << ROMANISED;
    }
    int live = 0;
    for (int trie = 0; worth >> trie != 0; trie++) {
        int walked = worth >> trie & 1 ? walk(self, skeleton, first, trie, told, whom) : 0;
        if (walked < 0)
            return -1;
        live |= walked;
    }
    return live;
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
    /* No term has so long a run within it, and of one at its ends only so much can matter (`filters.locating`). */
    for (size_t at = first + 1; at < last; at++) {
        if (letters[at].run > LONGEST_RUN)
            return 0;
    }
    Py_ssize_t from = first == last ? letters[first].first : letters[first].begin;
    /* Letters before it that come from the same character: reading that one gives them too. */
    size_t skipped = 0;
    while (skipped < first && letters[first - skipped - 1].last == from)
        skipped++;
    PyObject *written = PyUnicode_New((Py_ssize_t)(last - first + 1), widest(letters, first, last));
    if (written == NULL)
        return -1;
    for (size_t at = first; at <= last; at++)
        PyUnicode_WRITE(PyUnicode_KIND(written), PyUnicode_DATA(written), at - first, letters[at].own);
    PyObject *place = Py_BuildValue("(nnnN)", from, end->enough + 1, (Py_ssize_t)skipped, written);
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
            int runs_on = is_last(skeleton, CODE(unit & SEVERAL ? several_at(self, unit, 0) : unit));
            if (at >= cut && !ahead && !runs_on) {
                ahead = 1;
                *next = at;
                *limit = skeleton->count;
            }
            /* No term is longer, and none reaches over so long a run. */
            if (ahead && (skeleton->count - *limit > (size_t)self->longest ||
                          (runs_on && skeleton->letters[skeleton->count - 1].run > LONGEST_RUN)))
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
    {"junctions", (PyCFunction)(void (*)(void))scan_junctions, METH_FASTCALL, scan_junctions_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots_of_type[] = {
    {Py_tp_new, make}, {Py_tp_dealloc, release}, {Py_tp_methods, methods}, {0, NULL}};

static PyType_Spec scanner_type = {"filters._scan.Scanner", sizeof(Scanner), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots_of_type};

static PyMethodDef functions[] = {{"build", scan_build, METH_O, scan_build_doc}, {NULL, NULL, 0, NULL}};

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
