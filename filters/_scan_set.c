/* Builds the set of all beginnings of all patterns (`_scan_set.h`). */
#include "_scan_set.h"

#define MOST_SLOTS 0x7FFFFFFF

/* The set of beginnings while it is built: whole hashes, of which the lowest bits are the flags. */
typedef struct {
    uint64_t *hashes, *marks;
    size_t room, count;
    size_t mark_room, mark_count;
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
leave_mark(Builder *builder, uint64_t mark)
{
    if (builder->mark_count == builder->mark_room) {
        size_t room = builder->mark_room ? builder->mark_room * 2 : 1024;
        uint64_t *marks = room > MOST_SLOTS ? NULL : PyMem_Realloc(builder->marks, room * sizeof(uint64_t));
        if (marks == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        builder->marks = marks;
        builder->mark_room = room;
    }
    builder->marks[builder->mark_count++] = mark;
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
        if (is_marked && !(before & HAS_MARK) && leave_mark(builder, trie == SINGLE ? symbol : mark) < 0)
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
write_marks(const Builder *builder, uint64_t *marks, size_t words)
{
    for (size_t at = 0; at < builder->mark_count; at++) {
        uint64_t mark = builder->marks[at];
        marks[mark_word(mark, words - SINGLE_WORDS)] |= 1ULL << MARK_FIRST(mark) | 1ULL << MARK_SECOND(mark);
        /* That of one symbol is the symbol; hardly ever another is as small, and then it has both. */
        if (mark <= 0x10FFFF)
            marks[SINGLE_BIT(mark) / 64] |= 1ULL << (mark & 63);
    }
}

const char scan_build_doc[] = "build(patterns of each kind) -> (slots, marks, longest, depths)";

PyObject *
scan_build(PyObject *Py_UNUSED(module), PyObject *of_all)
{
    Builder builder = {NULL, NULL, 0, 0, 0, 0};
    Py_ssize_t longest = 0;
    uint32_t depths = 0;
    PyObject *slots = NULL, *marks = NULL, *patterns = NULL;
    if (!PyTuple_Check(of_all) || PyTuple_GET_SIZE(of_all) != KINDS) {
        PyErr_SetString(PyExc_TypeError, "wants a tuple of the patterns of each kind");
        return NULL;
    }
    for (int trie = 0; trie < KINDS; trie++) {
        PyObject *pattern;
        patterns = PyObject_GetIter(PyTuple_GET_ITEM(of_all, trie));
        while (patterns != NULL && (pattern = PyIter_Next(patterns)) != NULL) {
            int status = take(&builder, trie, pattern, &longest, &depths);
            Py_DECREF(pattern);
            if (status < 0)
                goto failed;
        }
        if (PyErr_Occurred())
            goto failed;
        Py_CLEAR(patterns);
    }
    /* Two thirds full, and one mark for sixteen bits: a miss ends soon. */
    size_t size = builder.count + builder.count / 2 + 1, words = SINGLE_WORDS + builder.mark_count / 4 + 1;
    slots = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(size * sizeof(uint32_t)));
    marks = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(words * sizeof(uint64_t)));
    if (slots == NULL || marks == NULL)
        goto failed;
    memset(PyBytes_AS_STRING(slots), 0, size * sizeof(uint32_t));
    memset(PyBytes_AS_STRING(marks), 0, words * sizeof(uint64_t));
    write_slots(&builder, (uint32_t *)PyBytes_AS_STRING(slots), size);
    write_marks(&builder, (uint64_t *)PyBytes_AS_STRING(marks), words);
    PyMem_Free(builder.hashes);
    PyMem_Free(builder.marks);
    return Py_BuildValue("(NNnI)", slots, marks, longest, depths);
failed:
    PyMem_Free(builder.hashes);
    PyMem_Free(builder.marks);
    Py_XDECREF(slots);
    Py_XDECREF(marks);
    Py_XDECREF(patterns);
    return NULL;
}
