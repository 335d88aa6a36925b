/* Finds where Latin letters that may be pinyin meet ideographs, or the digit of a tone: the only places where a
 * Chinese term may stand in letters that the one pass of `_scan.c` does not see (`filters.mixed`). Nearly every text
 * has few, and of these nearly all are English words beside Chinese ones, which are told by their syllables here.
 */
#include "_scan_mixed.h"

enum { OTHER, LETTER, IDEOGRAPH };
/* Syllables are written in the private use area (`filters.reading`). */
#define IS_SYLLABLE(class) ((class) >= 0xE000 && (class) < 0xF900)
/* Numerals fold to digits, and are no tones. */
#define IS_CHINESE(code) ((code) >= 0x2E80 && (code) < 0xFF00)
#define MOST_LETTERS 64 /* of a run that are looked at; a longer one counts as pinyin */
#define LONGEST 6       /* letters of a syllable */
#define MOST_INITIALS 3
#define LEAST_LETTERS 2 /* one beside a Chinese character is a name of something */

/* Letters that follow each other in a text, in a ring. */
typedef struct {
    uint8_t letter[MOST_LETTERS], begins[MOST_LETTERS];
    Py_ssize_t count;
} Run;

static inline int
kind_of(uint64_t unit)
{
    if (unit & SEVERAL)
        return OTHER;
    if (CODE(unit) >= 'a' && CODE(unit) <= 'z')
        return LETTER;
    return IS_SYLLABLE(CLASS(unit)) ? IDEOGRAPH : OTHER;
}

/* Whether a plain Latin letter stands somewhere. */
static inline int
is_plain(const Scanner *self, const Text *text, Py_ssize_t offset)
{
    uint64_t unit = unit_at(self, text, offset);
    return unit & WORD && CODE(unit) >= 'a';
}

/* Whether letters are a syllable: numbers of five bits each, in a table of hashes (`filters.mixed` writes it). */
static int
is_syllable(const Py_buffer *syllables, uint32_t packed)
{
    const uint32_t *slots = syllables->buf;
    size_t size = (size_t)syllables->len / 4;
    for (size_t looks = 0, at = size ? packed % size : 0; looks < size && slots[at] != 0; looks++) {
        if (slots[at] == packed)
            return 1;
        at = at + 1 == size ? 0 : at + 1;
    }
    return 0;
}

/* Whether the letters before a junction may be syllables from the beginning of some word on. */
static int
ends_in_pinyin(const Py_buffer *syllables, const Run *run)
{
    uint8_t reached[MOST_LETTERS + 1] = {1};
    Py_ssize_t live = 0, most = run->count < MOST_LETTERS ? run->count : MOST_LETTERS;
    for (Py_ssize_t back = 1; back <= most; back++) {
        Py_ssize_t first = run->count - back;
        uint32_t packed = 0;
        for (int size = 1; size <= LONGEST && size <= back && !reached[back]; size++) {
            packed = packed << 5 | run->letter[(first + size - 1) % MOST_LETTERS];
            reached[back] = reached[back - size] && is_syllable(syllables, packed);
        }
        live = reached[back] ? back : live;
        if (back - live >= LONGEST)
            return 0;
        if (reached[back] && back >= LEAST_LETTERS && (back == run->count || run->begins[first % MOST_LETTERS]))
            return 1;
    }
    return run->count > MOST_LETTERS && reached[MOST_LETTERS];
}

/* Whether the letters behind a junction may be syllables up to the end of some word, or initials. */
static int
begins_in_pinyin(const Scanner *self, const Py_buffer *syllables, const Text *text, Py_ssize_t start, int is_beside)
{
    uint8_t letters[MOST_LETTERS], reached[MOST_LETTERS + 1] = {1};
    int count = 0, live = 0, initials = is_beside;
    Gap gap = {0, 0};
    Py_ssize_t at = start;
    for (; at < text->size; at++) {
        uint64_t unit = unit_at(self, text, at);
        if (!(unit & KEPT)) {
            if (widen(&gap, unit))
                break;
            continue;
        }
        if (kind_of(unit) != LETTER)
            break;
        if (count == MOST_LETTERS)
            return 1;
        gap = (Gap){0, 0};
        Py_UCS4 code = PyUnicode_READ(text->kind, text->data, at);
        initials &= count < MOST_INITIALS && at == start + count && code >= 'a' && code <= 'z';
        letters[count++] = (uint8_t)(CODE(unit) - 'a' + 1);
        reached[count] = 0;
        uint32_t packed = 0;
        for (int size = 1; size <= LONGEST && size <= count && !reached[count]; size++) {
            packed |= (uint32_t)letters[count - size] << 5 * (size - 1);
            reached[count] = reached[count - size] && is_syllable(syllables, packed);
        }
        int ends = !is_plain(self, text, at + 1);
        if (ends && ((reached[count] && count >= LEAST_LETTERS) || initials))
            return 1;
        /* No syllable is so long. */
        live = reached[count] ? count : live;
        if (count - live >= LONGEST && !initials)
            return 0;
    }
    /* At the end of a text more may come. */
    for (int back = 0; at == text->size && back < LONGEST && back <= count; back++) {
        if (reached[count - back])
            return 1;
    }
    return 0;
}

static int
report(PyObject **offsets, Py_ssize_t at)
{
    if (*offsets == NULL && (*offsets = PyList_New(0)) == NULL)
        return -1;
    PyObject *offset = PyLong_FromSsize_t(at);
    int status = offset == NULL ? -1 : PyList_Append(*offsets, offset);
    Py_XDECREF(offset);
    return status;
}

static PyObject *
find(const Scanner *self, const Py_buffer *syllables, const Text *text, Py_ssize_t at)
{
    PyObject *offsets = NULL;
    Py_ssize_t last = -1;
    int before = OTHER;
    Gap gap = {0, 0};
    Run run;
    run.count = 0;
    for (; at < text->size; at++) {
        Py_UCS4 code = PyUnicode_READ(text->kind, text->data, at);
        /* Most characters are these, and need no look into a table: a numeral among them is one too many to look at. */
        if (before != LETTER && code >= 0x4E00 && code < 0x9FA6) {
            before = IDEOGRAPH;
            last = at;
            gap = (Gap){0, 0};
            continue;
        }
        uint64_t unit = unit_at(self, text, at);
        if (!(unit & KEPT)) {
            if (widen(&gap, unit))
                before = OTHER;
            continue;
        }
        int kind = kind_of(unit), met = 0;
        if (kind == LETTER) {
            if (before != LETTER)
                run.count = 0;
            met = before == IDEOGRAPH && begins_in_pinyin(self, syllables, text, at, last == at - 1);
            run.letter[run.count % MOST_LETTERS] = (uint8_t)(CODE(unit) - 'a' + 1);
            run.begins[run.count++ % MOST_LETTERS] = !is_word(self, text, at - 1);
        } else if (before == LETTER) {
            int is_tone = last == at - 1 && !(unit & SEVERAL) && CODE(unit) >= '1' && CODE(unit) <= '5' &&
                          !IS_CHINESE(code);
            met = (is_tone || kind == IDEOGRAPH) && ends_in_pinyin(syllables, &run);
        }
        if (met && report(&offsets, at) < 0) {
            Py_XDECREF(offsets);
            return NULL;
        }
        before = kind;
        last = at;
        gap = (Gap){0, 0};
    }
    /* Nearly always there is none, and a list for it would cost more than the look. */
    if (offsets == NULL)
        Py_RETURN_NONE;
    return offsets;
}

const char scan_junctions_doc[] = "junctions(text, start, syllables) -> offsets | None";

PyObject *
scan_junctions(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    const Scanner *self = (Scanner *)object;
    if (count != 3 || !PyUnicode_Check(arguments[0]) || !PyLong_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "wants a text, an offset in it, and the syllables");
        return NULL;
    }
    Text text = {.pages = self->pages.buf,
                 .data = PyUnicode_DATA(arguments[0]),
                 .kind = PyUnicode_KIND(arguments[0]),
                 .reading = PLAIN,
                 .size = PyUnicode_GET_LENGTH(arguments[0])};
    Py_ssize_t at = PyLong_AsSsize_t(arguments[1]);
    if (at < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the offset is not within the text");
        return NULL;
    }
    Py_buffer syllables;
    if (PyObject_GetBuffer(arguments[2], &syllables, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *offsets = NULL;
    if ((uintptr_t)syllables.buf % sizeof(uint32_t) != 0)
        PyErr_SetString(PyExc_ValueError, "the table of syllables is not aligned");
    else
        offsets = find(self, &syllables, &text, at);
    PyBuffer_Release(&syllables);
    return offsets;
}
