/* Finds where Latin letters that may be pinyin meet ideographs, or the digit of a tone: the only places where a
 * Chinese term may stand in letters that the one pass of `_scan.c` does not see (`filters.mixed`). Nearly every text
 * has few, and of these nearly all are English words beside Chinese ones, which are told by their syllables here.
 */
#include "_scan_mixed.h"
#include "_scan_walk.h"

enum { OTHER, LETTER, IDEOGRAPH };
/* Numerals fold to digits, and are no tones. */
#define IS_CHINESE(code) ((code) >= 0x2E80 && (code) < 0xFF00)
#define MOST_LETTERS 64 /* of a run that are looked at; a longer one counts as pinyin */
#define LONGEST 6       /* letters of a syllable */
#define MOST_INITIALS 3
#define SYLLABLE_SLOTS 2048
#define INITIALS 27     /* where the classes of each initial begin, and the last ones end; behind the slots */
#define BACK 128        /* characters before a junction in which a term may begin */
#define AHEAD 64        /* kept ones behind it that are looked at; what goes on behind them counts as a term */
#define NEAR (GAP_CHARACTERS + 2)
#define BLOCK 16
#define IS_USUAL(code) ((Py_UCS2)((code) - 0x4E00) < 0x51A6) /* most ideographs */
/* ASCII before its letters, quotation marks, Chinese punctuation, ideographs, and wide signs. */
#define IS_NEVER_LATIN(code)                                                                                           \
    ((Py_UCS2)(code) < 0x41 || IS_USUAL(code) || (Py_UCS2)((code) - 0x3000) < 0x40 ||                                  \
     (Py_UCS2)((code) - 0x2010) < 0x18 || (Py_UCS2)((code) - 0xFF00) < 0x10)
#define MOST_STEPS 512  /* of one look; more count as a term */
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

/* The classes of letters that are a syllable, in sixteen bits each, or zero: numbers of five bits each, in a table of
 * hashes (`filters.mixed` writes it), the classes behind each. */
static uint32_t
classes_of(const Py_buffer *syllables, uint32_t packed)
{
    const uint32_t *slots = syllables->buf;
    size_t size = SYLLABLE_SLOTS;
    for (size_t looks = 0, at = packed % size; looks < size && slots[2 * at] != 0; looks++) {
        if (slots[2 * at] == packed)
            return slots[2 * at + 1];
        at = at + 1 == size ? 0 : at + 1;
    }
    return 0;
}

static int
is_syllable(const Py_buffer *syllables, uint32_t packed)
{
    return classes_of(syllables, packed) != 0;
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

/* What is kept around a junction, as far as it was asked for. */
typedef struct {
    const Scanner *self;
    const Text *text;
    const uint32_t *syllables;
    const Py_buffer *table;
    struct {
        uint32_t own, class;
        Py_ssize_t offset;
        int kind, is_small, is_tone;
    } kept[BACK + AHEAD];
    int count, junction, steps;
    Py_ssize_t next, longest;
    Gap gap;
} Around;

/* What a character of the kept text is: there, or the end of what may be a term, or unknown. */
enum { THERE, NOTHING, UNKNOWN };

/* Take the next kept character, if there is one and room for it. */
static int
put(Around *around)
{
    for (; around->next < around->text->size; around->next++) {
        uint64_t unit = unit_in(around->self, around->text, around->next);
        if (!(unit & KEPT)) {
            if (widen(&around->gap, unit))
                return NOTHING;
            continue;
        }
        /* What folds to several is rare. */
        if (unit & SEVERAL || around->count == BACK + AHEAD)
            return UNKNOWN;
        Py_UCS4 code = PyUnicode_READ(around->text->kind, around->text->data, around->next);
        int is_beside = around->count > 0 && around->kept[around->count - 1].offset == around->next - 1;
        uint32_t own = CODE(unit);
        around->kept[around->count].own = own;
        around->kept[around->count].class = CLASS(unit);
        around->kept[around->count].offset = around->next++;
        around->kept[around->count].kind = own >= 'a' && own <= 'z' ? LETTER : OTHER;
        around->kept[around->count].is_small = is_beside && code == own;
        around->kept[around->count++].is_tone = is_beside && own >= '1' && own <= '5' && !IS_CHINESE(code);
        around->gap = (Gap){0, 0};
        return THERE;
    }
    /* At the end of a text more may come. */
    return UNKNOWN;
}

static inline int
look(Around *around, int at)
{
    return at < around->count ? THERE : put(around);
}

typedef struct {
    uint64_t sound, pair;
    int at, tokens, is_initial, is_letters;
} Step;

static int follow(Around *around, Step step);

/* Go on with one more character of a term, in one of its classes. Returns whether a term may stand. */
static int
take(Around *around, Step step, uint32_t class, int end, int is_initial, int is_letters)
{
    if (++around->steps > MOST_STEPS)
        return 1;
    Step next = {hashed(step.sound, class), hashed(step.pair, class), end, step.tokens + 1, is_initial, is_letters};
    uint32_t flags = known(around->self, next.sound) | (next.tokens <= 2 ? known(around->self, next.pair) : 0);
    if (flags & ENDS && next.tokens >= 2 && end > around->junction)
        return 1;
    return flags & GOES_ON && next.tokens < around->longest && follow(around, next);
}

/* Whether a beginning may become a term beyond the junction: the ways that `filters.mixed` reads on, and some more. */
static int
follow(Around *around, Step step)
{
    int at = step.at, looked = look(around, at);
    if (looked != THERE)
        return looked == UNKNOWN;
    if (around->kept[at].kind != LETTER)
        return take(around, step, around->kept[at].class, at + 1, 0, 0);
    if (step.tokens > 1 && !step.is_letters && around->kept[at].is_small) {
        const uint32_t *starts = around->syllables + 2 * SYLLABLE_SLOTS;
        uint32_t letter = around->kept[at].own - 'a';
        for (uint32_t each = starts[letter]; each < starts[letter + 1]; each++) {
            if (take(around, step, starts[INITIALS + each], at + 1, 1, 0))
                return 1;
        }
    }
    if (step.is_initial)
        return 0;
    uint32_t packed = 0;
    for (int end = at; end < at + LONGEST && around->kept[end].kind == LETTER; end++) {
        packed = packed << 5 | (around->kept[end].own - 'a' + 1);
        looked = look(around, end + 1);
        for (uint32_t classes = classes_of(around->table, packed); classes; classes >>= 16) {
            if (take(around, step, classes & 0xFFFF, end + 1, 0, 1) ||
                (looked == THERE && around->kept[end + 1].is_tone &&
                 take(around, step, classes & 0xFFFF, end + 2, 0, 1)))
                return 1;
        }
        /* More letters may come. */
        if (looked != THERE)
            return looked == UNKNOWN;
    }
    return 0;
}

static int
report(PyObject **places, Py_ssize_t start, Py_ssize_t junction)
{
    if (*places == NULL && (*places = PyList_New(0)) == NULL)
        return -1;
    PyObject *place = Py_BuildValue("(nn)", start, junction);
    int status = place == NULL ? -1 : PyList_Append(*places, place);
    Py_XDECREF(place);
    return status;
}

/* Report where terms begin, behind some place, that may be read over a junction. */
static int
report_crossing(PyObject **places, const Scanner *self, const Py_buffer *table, const Text *text, Py_ssize_t floor,
                Py_ssize_t junction, Py_ssize_t longest)
{
    /* Its room is large, and not emptied first. */
    Around around;
    around.self = self;
    around.text = text;
    around.table = table;
    around.syllables = table->buf;
    around.longest = longest;
    around.count = 0;
    around.next = junction;
    around.gap = (Gap){0, 0};
    for (Py_ssize_t ideographs = 0; around.next > floor && junction - around.next < BACK && ideographs < longest;) {
        uint64_t unit = unit_in(self, text, --around.next);
        ideographs += unit & KEPT && kind_of(unit) == IDEOGRAPH;
    }
    while (around.next < junction) {
        int looked = put(&around);
        /* What folds to several is rare: all that goes on over it counts as a term. */
        for (int first = 0; looked == UNKNOWN && first <= around.count; first++) {
            if (report(places, first < around.count ? around.kept[first].offset : around.next, junction) < 0)
                return -1;
        }
        /* Nothing goes on over a gap that is too long. */
        if (looked != THERE) {
            around.count = 0;
            around.gap = (Gap){0, 0};
            around.next++;
        }
    }
    around.junction = around.count - (around.count > 0 && around.kept[around.count - 1].offset >= junction);
    for (int first = 0; first < around.junction; first++) {
        if (around.kept[first].kind == LETTER && is_word(self, text, around.kept[first].offset - 1))
            continue;
        around.steps = 0;
        if (follow(&around, (Step){SEEDS[SOUND], SEEDS[BESIDE], first, 0, 0, 0}) &&
            report(places, around.kept[first].offset, junction) < 0)
            return -1;
    }
    return 0;
}

/* Where the next character is that may be a Latin letter, or the end: what nearly all characters of Chinese texts are is told
 * from the code alone, many at once. */
static Py_ssize_t
letter_from(const Py_UCS2 *codes, Py_ssize_t at, Py_ssize_t size)
{
    for (; size - at >= BLOCK; at += BLOCK) {
        unsigned others = 0;
        for (int each = 0; each < BLOCK; each++)
            others |= !IS_NEVER_LATIN(codes[at + each]);
        if (others)
            break;
    }
    while (at < size && IS_NEVER_LATIN(codes[at]))
        at++;
    return at;
}

static PyObject *
find(const Scanner *self, const Py_buffer *syllables, const Text *text, Py_ssize_t at, Py_ssize_t longest)
{
    Py_ssize_t floor = at, letter = at;
    PyObject *places = NULL;
    Py_ssize_t last = -1;
    int before = OTHER;
    Gap gap = {0, 0};
    Run run;
    run.count = 0;
    for (; at < text->size; at++) {
        /* Before a letter nothing matters but whether an ideograph stands near enough. */
        if (before != LETTER && text->kind == PyUnicode_2BYTE_KIND && at >= letter) {
            const Py_UCS2 *codes = text->data;
            letter = letter_from(codes, at, text->size);
            if (letter == text->size)
                break;
            if (letter > at) {
                Py_ssize_t near = letter - 1;
                while (near > at && letter - near < NEAR && !IS_USUAL(codes[near]))
                    near--;
                before = near == at ? before : OTHER;
                gap = near == at ? gap : (Gap){0, 0};
                at = near;
            }
            letter++;
        }
        Py_UCS4 code = PyUnicode_READ(text->kind, text->data, at);
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
        if (met && report_crossing(&places, self, syllables, text, floor, at, longest) < 0) {
            Py_XDECREF(places);
            return NULL;
        }
        /* What begins before it goes on over it, or over none. */
        floor = met ? at : floor;
        before = kind;
        last = at;
        gap = (Gap){0, 0};
    }
    /* Nearly always there is none, and a list for it would cost more than the look. */
    if (places == NULL)
        Py_RETURN_NONE;
    return places;
}

/* Whether a table is as `filters.mixed` writes it. */
static int
are_syllables(const Py_buffer *syllables)
{
    const uint32_t *starts = (const uint32_t *)syllables->buf + 2 * SYLLABLE_SLOTS;
    size_t size = (size_t)syllables->len / sizeof(uint32_t);
    if (size < 2 * SYLLABLE_SLOTS + INITIALS)
        return 0;
    for (int letter = 1; letter < INITIALS; letter++) {
        if (starts[letter] < starts[letter - 1] || starts[letter] > size - 2 * SYLLABLE_SLOTS - INITIALS)
            return 0;
    }
    return 1;
}

const char scan_junctions_doc[] = "junctions(text, start, syllables, longest) -> (start, junction) of each | None";

PyObject *
scan_junctions(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    const Scanner *self = (Scanner *)object;
    if (count != 4 || !PyUnicode_Check(arguments[0]) || !PyLong_Check(arguments[1]) || !PyLong_Check(arguments[3])) {
        PyErr_SetString(PyExc_TypeError, "wants a text, an offset in it, the syllables, and the length of the longest term");
        return NULL;
    }
    Text text = {.pages = self->pages.buf,
                 .data = PyUnicode_DATA(arguments[0]),
                 .kind = PyUnicode_KIND(arguments[0]),
                 .reading = PLAIN,
                 .size = PyUnicode_GET_LENGTH(arguments[0])};
    Py_ssize_t at = PyLong_AsSsize_t(arguments[1]), longest = PyLong_AsSsize_t(arguments[3]);
    if (at < 0 || longest < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the offset is not within the text, or the length is none");
        return NULL;
    }
    Py_buffer syllables;
    if (PyObject_GetBuffer(arguments[2], &syllables, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *offsets = NULL;
    if ((uintptr_t)syllables.buf % sizeof(uint32_t) != 0 || !are_syllables(&syllables))
        PyErr_SetString(PyExc_ValueError, "the table of syllables is not as it is written");
    else
        offsets = find(self, &syllables, &text, at, longest);
    PyBuffer_Release(&syllables);
    return offsets;
}
