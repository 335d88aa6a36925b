/* Builds the set of all beginnings of all patterns (`_scan_set.h`). */
#include "_scan_set.h"

#define MOST_SLOTS 0x7FFFFFFF

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

const char scan_build_doc[] = "build(patterns of each kind) -> (slots, marks, longest, kinds)";

PyObject *
scan_build(PyObject *Py_UNUSED(module), PyObject *of_all)
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
