/* Where Latin letters meet ideographs (`_scan_mixed.c`). */
#ifndef SLUICE_SCAN_MIXED_H
#define SLUICE_SCAN_MIXED_H
#include "_scan_text.h"

extern const char scan_junctions_doc[];
PyObject *scan_junctions(PyObject *object, PyObject *const *arguments, Py_ssize_t count);

#endif
