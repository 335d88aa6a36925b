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
#include "_scan_walk.h"

/* Read at once: what is known of so many characters stays in the nearest cache. */
#define SLICE 1024
/* One call reads about so many: it holds the interpreter's lock. */
#define CALL_CHARACTERS 4096
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
    if ((size_t)PyUnicode_GET_LENGTH(arguments[0]) > LONGEST_TEXT) {
        PyErr_SetString(PyExc_ValueError, "the text is longer than offsets are kept for");
        return -1;
    }
    text->reading = (int)reading;
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
    PyObject *places, *settled, *plain; /* the places so far, and what is known already */
} Proposal;

/* Whether a part of the text is written as the skeleton has it, character for character. */
static int
is_plain(const Text *text, const Letter *letters, size_t first, size_t last, uint32_t from)
{
    if (text->reading != PLAIN || letters[last].enough - from != last - first)
        return 0;
    for (size_t at = first; at <= last; at++) {
        if (PyUnicode_READ(text->kind, text->data, (Py_ssize_t)(from + (at - first))) != letters[at].own)
            return 0;
    }
    return 1;
}

/* Whether a sign stands somewhere that may be a letter there: without one, the ordinary reading has the same place. */
static int
has_sign(const Scanner *self, const Text *text, uint32_t from, uint32_t last)
{
    for (Py_ssize_t at = from; at <= (Py_ssize_t)last; at++) {
        if (unit_at(self, text, at) & SIGN)
            return 1;
    }
    return 0;
}

static PyObject *
written_at(const Letter *letters, size_t first, size_t last)
{
    PyObject *written = PyUnicode_New((Py_ssize_t)(last - first + 1), widest(letters, first, last));
    for (size_t at = first; written != NULL && at <= last; at++)
        PyUnicode_WRITE(PyUnicode_KIND(written), PyUnicode_DATA(written), at - first, letters[at].own);
    return written;
}

/* What is known of a piece of a skeleton, borrowed; NULL where nothing is. */
static PyObject *
remembered(PyObject *memory, PyObject *written, int *is_nothing)
{
    PyObject *value = PyDict_GetItemWithError(memory, written);
    if (value != NULL && PyTuple_Check(value) && PyTuple_GET_SIZE(value) == 0)
        *is_nothing = 1;
    return value;
}

static int
propose(void *whom, const Letter *letters, size_t first, size_t last, int trie)
{
    Proposal *proposal = whom;
    const Text *text = proposal->text;
    const Letter *end = letters + last;
    if (trie == ROMANISED && end->run == 1 && is_word(proposal->self, text, end->last) &&
        is_word(proposal->self, text, (Py_ssize_t)end->last + 1))
        return 0;
    /* No term has so long a run within it, and of one at its ends only so much can matter (`filters.locating`). */
    for (size_t at = first + 1; at < last; at++) {
        if (letters[at].run > LONGEST_RUN)
            return 0;
    }
    uint32_t from = first == last ? letters[first].first : letters[first].begin;
    if (text->reading == SIGNS && !has_sign(proposal->self, text, from, end->enough))
        return 0;
    PyObject *written = written_at(letters, first, last), *plain = NULL;
    if (written == NULL)
        return -1;
    int is_nothing = 0;
    remembered(proposal->settled, written, &is_nothing);
    if (!is_nothing && !PyErr_Occurred() && is_plain(text, letters, first, last, from))
        plain = remembered(proposal->plain, written, &is_nothing);
    if (is_nothing || PyErr_Occurred()) {
        Py_DECREF(written);
        return is_nothing ? 0 : -1;
    }
    /* Letters before it that come from the same character: reading that one gives them too. */
    size_t skipped = 0;
    while (skipped < first && letters[first - skipped - 1].last == from)
        skipped++;
    PyObject *place = Py_BuildValue("(nnnNO)", (Py_ssize_t)from, (Py_ssize_t)end->enough + 1, (Py_ssize_t)skipped,
                                    written, plain == NULL ? Py_None : plain);
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
        uint64_t unit = unit_in(self, text, at);
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

PyDoc_STRVAR(scan_doc, "scan(text, start, reading, settled, plain) -> (next, sign, places)");

static PyObject *
scan(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    const Scanner *self = (Scanner *)object;
    Text text;
    Py_ssize_t start, begun, sign = -1;
    if (text_of(self, &text, arguments, count, 5, 2) < 0 || offset_of(&start, arguments[1], text.size) < 0)
        return NULL;
    if (!PyDict_Check(arguments[3]) || !PyDict_Check(arguments[4])) {
        PyErr_SetString(PyExc_TypeError, "wants dictionaries of what is known already");
        return NULL;
    }
    PyObject *places = PyList_New(0);
    if (places == NULL)
        return NULL;
    Proposal proposal = {self, &text, places, arguments[3], arguments[4]};
    int status = 0;
    for (begun = start; status >= 0 && start < text.size && start - begun < CALL_CHARACTERS;) {
        Skeleton skeleton;
        Py_ssize_t next, found;
        size_t limit = 0;
        Live live = {0, 0, -1};
        begin(&skeleton);
        status = read_slice(self, &text, start, &skeleton, &next, &limit, &found);
        if (status >= 0)
            status = walk_all(self, &text, &skeleton, limit, propose, &proposal, &live);
        end(&skeleton);
        sign = sign < 0 ? found : sign;
        start = next;
    }
    if (status < 0) {
        Py_DECREF(places);
        return NULL;
    }
    return Py_BuildValue("(nnN)", start, sign, places);
}

/* What `is_new` is asked with. */
typedef struct {
    const Scanner *self;
    const Text *text;
    Py_ssize_t fresh; /* where the new part of the text begins */
    size_t end;       /* the last letter: its run may grow, by a sign too */
} News;

/* Ends the search at a place that ends in the part of a text that is new. */
static int
is_new(void *whom, const Letter *letters, size_t first, size_t last, int Py_UNUSED(trie))
{
    const News *news = whom;
    return letters[last].first >= news->fresh &&
           (news->text->reading != SIGNS || last == news->end || has_sign(news->self, news->text, letters[first].first, letters[last].last));
}

/* Find the first letter that may grow into a pattern. Returns -1 where one may stand. */
static int
first_live(const Scanner *self, const Text *text, const Skeleton *skeleton, Py_ssize_t fresh, Live *live)
{
    *live = (Live){0, skeleton->count, -1};
    for (size_t at = 0; at < skeleton->count; at++) {
        if (skeleton->letters[at].run > LONGEST_RUN)
            live->floor = at;
    }
    News news = {self, text, fresh, skeleton->count - 1};
    return walk_all(self, text, skeleton, skeleton->count, is_new, &news, live);
}

PyDoc_STRVAR(tail_doc, "tail(text, start, fresh, reading) -> (begin, live, sign) | None");

static PyObject *
tail(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    const Scanner *self = (Scanner *)object;
    Text text;
    Py_ssize_t start, fresh, sign = -1;
    int status = 0;
    if (text_of(self, &text, arguments, count, 4, 3) < 0 || offset_of(&start, arguments[1], text.size) < 0 ||
        offset_of(&fresh, arguments[2], text.size) < 0)
        return NULL;
    Skeleton skeleton;
    Gap gap = {0, 0};
    Live live;
    begin(&skeleton);
    for (Py_ssize_t at = start; at < text.size && status >= 0; at++) {
        uint64_t unit = unit_in(self, &text, at);
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
            status = first_live(self, &text, &skeleton, fresh, &live);
            skeleton.count = 0;
        }
    }
    if (status >= 0)
        status = first_live(self, &text, &skeleton, fresh, &live);
    Py_ssize_t from = text.size, open = -1;
    if (status >= 0 && skeleton.count > 0) {
        /* The last letter stays in any case: what repeats it is no new one. */
        size_t first = live.letter < skeleton.count ? live.letter : skeleton.count - 1;
        from = skeleton.letters[first].begin;
        open = live.offset;
    }
    end(&skeleton);
    if (status < 0)
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
    static char *names[] = {"pages", "units", "several", "slots", "marks", "longest", "depths", NULL};
    Scanner *self = (Scanner *)type->tp_alloc(type, 0); /* zeroed: releasing a buffer that is none does nothing */
    if (self == NULL)
        return NULL;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "y*y*y*y*y*nI", names, &self->pages, &self->units,
                                     &self->several, &self->slots, &self->marks, &self->longest, &self->depths))
        goto failed;
    int is_writable = 0;
    for (Py_buffer *each = &self->pages; each <= &self->marks; each++)
        is_writable |= !each->readonly || (uintptr_t)each->buf % sizeof(uint32_t) != 0;
    if (is_writable || self->pages.len != READINGS * PAGES * (Py_ssize_t)sizeof(uint16_t) || self->longest < 0 ||
        (uintptr_t)self->units.buf % 8 || (uintptr_t)self->several.buf % 8 || (uintptr_t)self->marks.buf % 8) {
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

static PyMethodDef functions[] = {
    {"build", scan_build, METH_O, scan_build_doc},
    {"hashes", scan_hashes, METH_O, scan_hashes_doc},
    {NULL, NULL, 0, NULL},
};

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
