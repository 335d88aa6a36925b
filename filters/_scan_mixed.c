/* Finds where Latin letters meet ideographs, or the digit of a tone: the only places where a Chinese term may stand
 * in pinyin that the one pass of `_scan.c` does not see (`filters.mixed`). Nearly every text has few. */
#include "_scan_mixed.h"

enum { OTHER, LETTER, IDEOGRAPH };
/* Syllables are written in the private use area (`filters.reading`). */
#define IS_SYLLABLE(class) ((class) >= 0xE000 && (class) < 0xF900)
/* Numerals fold to digits, and are no tones. */
#define IS_CHINESE(code) ((code) >= 0x2E80 && (code) < 0xFF00)

static inline int
kind_of(uint64_t unit)
{
    if (unit & SEVERAL)
        return OTHER;
    if (CODE(unit) >= 'a' && CODE(unit) <= 'z')
        return LETTER;
    return IS_SYLLABLE(CLASS(unit)) ? IDEOGRAPH : OTHER;
}

const char scan_junctions_doc[] = "junctions(text, start) -> offsets of the characters that others are met at";

PyObject *
scan_junctions(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    const Scanner *self = (Scanner *)object;
    if (count != 2 || !PyUnicode_Check(arguments[0]) || !PyLong_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "wants a text and an offset in it");
        return NULL;
    }
    Text text = {self->pages.buf, PyUnicode_DATA(arguments[0]), PyUnicode_KIND(arguments[0]),
                 PyUnicode_GET_LENGTH(arguments[0])};
    Py_ssize_t at = PyLong_AsSsize_t(arguments[1]), last = -1;
    if (at == -1 && PyErr_Occurred())
        return NULL;
    PyObject *offsets = NULL;
    int before = OTHER;
    Gap gap = {0, 0};
    for (at = at < 0 ? 0 : at; at < text.size; at++) {
        uint64_t unit = unit_at(self, &text, at);
        if (!(unit & KEPT)) {
            if (widen(&gap, unit))
                before = OTHER;
            continue;
        }
        int kind = kind_of(unit);
        int is_tone = before == LETTER && last == at - 1 && CODE(unit) >= '1' && CODE(unit) <= '5' &&
                      !(unit & SEVERAL) && !IS_CHINESE(PyUnicode_READ(text.kind, text.data, at));
        if (is_tone || (before != kind && before != OTHER && kind != OTHER)) {
            if (offsets == NULL && (offsets = PyList_New(0)) == NULL)
                return NULL;
            PyObject *offset = PyLong_FromSsize_t(at);
            int status = offset == NULL ? -1 : PyList_Append(offsets, offset);
            Py_XDECREF(offset);
            if (status < 0) {
                Py_DECREF(offsets);
                return NULL;
            }
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
