/* Builds the set of all beginnings of all patterns (`_scan_set.h`). */
#include "_scan_set.h"

#define MOST_SLOTS 0x7FFFFFFF

/* The set of beginnings while it is built: whole hashes, of which the lowest bits are the flags. */
typedef struct {
    uint64_t *hashes;
    size_t room, count;
    struct {
        uint64_t *sums;
        size_t room, count;
    } marks[KINDS];
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

/* Take one beginning; returns what was known of it, or -1. */
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
    int before = (int)(builder->hashes[at] & FLAGS);
    builder->count += builder->hashes[at] == 0;
    builder->hashes[at] = (hash & ~(uint64_t)FLAGS) | (uint64_t)before | flags;
    return before;
}

static int
leave_mark(Builder *builder, int kind, uint64_t sum)
{
    size_t room = builder->marks[kind].room, count = builder->marks[kind].count;
    if (count == room) {
        room = room ? room * 2 : 1024;
        uint64_t *sums = room > MOST_SLOTS ? NULL : PyMem_Realloc(builder->marks[kind].sums, room * sizeof(uint64_t));
        if (sums == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        builder->marks[kind].sums = sums;
        builder->marks[kind].room = room;
    }
    builder->marks[kind].sums[count] = sum;
    builder->marks[kind].count++;
    return 0;
}

static void
forget(Builder *builder)
{
    PyMem_Free(builder->hashes);
    for (int kind = 0; kind < KINDS; kind++)
        PyMem_Free(builder->marks[kind].sums);
}

/* Take one term of three characters, its classes behind them: what may be written for it. */
static int
take_triple(Builder *builder, PyObject *triple)
{
    uint32_t own[3], class[3];
    if (!PyUnicode_Check(triple) || PyUnicode_GET_LENGTH(triple) != (Py_ssize_t)SHORTEST[TRIPLE]) {
        PyErr_SetString(PyExc_ValueError, "a term of three characters comes with three classes");
        return -1;
    }
    for (int at = 0; at < 3; at++) {
        own[at] = PyUnicode_READ_CHAR(triple, at);
        class[at] = PyUnicode_READ_CHAR(triple, at + 3);
    }
    for (int swapped = 0; swapped < 3; swapped++) {
        if (insert(builder, hashed_triple(own, class, swapped), ENDS) < 0)
            return -1;
    }
    return 0;
}

/* Take one pattern. */
static int
take(Builder *builder, int trie, PyObject *pattern, Py_ssize_t *longest, uint32_t *depths)
{
    Py_ssize_t size = PyUnicode_Check(pattern) ? PyUnicode_GET_LENGTH(pattern) : 0;
    if (size < (Py_ssize_t)SHORTEST[trie]) {
        PyErr_SetString(PyExc_ValueError, "a pattern is no text, or too short for its kind");
        return -1;
    }
    uint64_t hash = SEEDS[trie], mark = SEEDS[trie];
    size_t depth = (size_t)size < MARKED[trie] ? (size_t)size : MARKED[trie];
    for (Py_ssize_t at = 0; at < size; at++) {
        uint32_t symbol = PyUnicode_READ_CHAR(pattern, at), flags = at + 1 == size ? ENDS : GOES_ON;
        int is_marked = (size_t)at + 1 == depth && trie != PAIR;
        hash = hashed(hash, symbol);
        mark += (size_t)at < depth ? symbol * FACTORS[at] : 0;
        int before = insert(builder, hash, is_marked ? flags | HAS_MARK : flags);
        if (before < 0)
            return -1;
        if (is_marked && !(before & HAS_MARK) && leave_mark(builder, trie, trie == SINGLE ? symbol : mark) < 0)
            return -1;
    }
    *depths |= DEPTH(trie, depth);
    *longest = size > *longest ? size : *longest;
    return 0;
}

/* Write the set in half of the memory for each hash. */
static void
write_slots(const Builder *builder, uint32_t *slots, size_t size)
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
    }
}

static void
write_marks(const Builder *builder, uint64_t *marks, size_t sounds, size_t others)
{
    marks[WORDS_BEFORE - 1] = sounds;
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t at = 0; at < builder->marks[kind].count; at++) {
            uint64_t sum = builder->marks[kind].sums[at], two = 1ULL << MARK_FIRST(sum) | 1ULL << MARK_SECOND(sum);
            if (kind == SINGLE)
                marks[SINGLE_BIT(sum) / 64] |= 1ULL << (sum & 63);
            else if (kind == BESIDE)
                marks[SINGLE_WORDS + BESIDE_BIT(sum) / 64] |= 1ULL << (BESIDE_BIT(sum) & 63);
            else if (kind == SOUND)
                marks[WORDS_BEFORE + reduced(sum, sounds)] |= two;
            else
                marks[WORDS_BEFORE + sounds + reduced(sum, others)] |= two;
        }
    }
}

const char scan_build_doc[] = "build(patterns of each kind) -> (slots, marks, longest, depths)";

PyObject *
scan_build(PyObject *Py_UNUSED(module), PyObject *of_all)
{
    Builder builder;
    Py_ssize_t longest = 0;
    uint32_t depths = 0;
    memset(&builder, 0, sizeof(builder));
    PyObject *slots = NULL, *marks = NULL, *patterns = NULL;
    if (!PyTuple_Check(of_all) || PyTuple_GET_SIZE(of_all) != KINDS) {
        PyErr_SetString(PyExc_TypeError, "wants a tuple of the patterns of each kind");
        return NULL;
    }
    for (int trie = 0; trie < KINDS; trie++) {
        PyObject *pattern;
        patterns = PyObject_GetIter(PyTuple_GET_ITEM(of_all, trie));
        while (patterns != NULL && (pattern = PyIter_Next(patterns)) != NULL) {
            int status = trie == TRIPLE ? take_triple(&builder, pattern)
                                        : take(&builder, trie, pattern, &longest, &depths);
            Py_DECREF(pattern);
            if (status < 0)
                goto failed;
        }
        if (PyErr_Occurred())
            goto failed;
        Py_CLEAR(patterns);
    }
    /* Two thirds full, and one mark for sixteen bits: a miss ends soon. */
    size_t size = builder.count + builder.count / 2 + 1, sounds = builder.marks[SOUND].count / 4 + 1, others = 1;
    for (int kind = LETTERS; kind <= BEHIND; kind++)
        others += builder.marks[kind].count / 4;
    size_t words = WORDS_BEFORE + sounds + others;
    slots = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(size * sizeof(uint32_t)));
    marks = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(words * sizeof(uint64_t)));
    if (slots == NULL || marks == NULL)
        goto failed;
    memset(PyBytes_AS_STRING(slots), 0, size * sizeof(uint32_t));
    memset(PyBytes_AS_STRING(marks), 0, words * sizeof(uint64_t));
    write_slots(&builder, (uint32_t *)PyBytes_AS_STRING(slots), size);
    write_marks(&builder, (uint64_t *)PyBytes_AS_STRING(marks), sounds, others);
    forget(&builder);
    return Py_BuildValue("(NNnI)", slots, marks, longest, depths);
failed:
    forget(&builder);
    Py_XDECREF(slots);
    Py_XDECREF(marks);
    Py_XDECREF(patterns);
    return NULL;
}

const char scan_hashes_doc[] = "hashes(texts) -> bytes, eight for each";

PyObject *
scan_hashes(PyObject *Py_UNUSED(module), PyObject *texts)
{
    if (!PyList_Check(texts)) {
        PyErr_SetString(PyExc_TypeError, "wants a list of texts");
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(texts);
    if (count > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(uint64_t))
        return PyErr_NoMemory();
    PyObject *hashes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(uint64_t));
    for (Py_ssize_t number = 0; hashes != NULL && number < count; number++) {
        PyObject *text = PyList_GET_ITEM(texts, number);
        if (!PyUnicode_Check(text)) {
            PyErr_SetString(PyExc_TypeError, "wants a list of texts");
            Py_CLEAR(hashes);
            break;
        }
        uint64_t hash = SEEDS[SINGLE];
        for (Py_ssize_t at = 0; at < PyUnicode_GET_LENGTH(text); at++)
            hash = hashed(hash, PyUnicode_READ_CHAR(text, at));
        memcpy(PyBytes_AS_STRING(hashes) + number * (Py_ssize_t)sizeof(hash), &hash, sizeof(hash));
    }
    return hashes;
}
