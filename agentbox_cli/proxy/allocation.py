"""Where Python's objects get their memory: from Python's own allocator, or from the C library's.

Python's own is the faster one, but takes memory from the system in pieces of 1 MiB and gives a
piece back only when nothing in it is left: after a crowd of requests each holds some small thing
that lives on. The C library's gives back any page that is empty (measured: the end of
`benchmarks/README.md`'s part on streams).

Both may be used by turns, for Python's frees and resizes what the C library gave, too.
"""

import ctypes
import os
import sys
import sysconfig
from typing import Self

# Numbers of `PyMemAllocatorDomain`.
_RAW, _MEM, _OBJ = range(3)


class _Functions(ctypes.Structure):
    """Python's `PyMemAllocatorEx`."""

    _fields_ = (
        ("context", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    )


class Allocation:
    """This process's allocators; made by `found` alone."""

    def __init__(self, usual: dict[int, _Functions], raw: _Functions, libc: ctypes.CDLL) -> None:
        self._usual = usual
        self._c = {
            domain: _Functions(None, raw.malloc, raw.calloc, own.realloc, own.free)
            for domain, own in usual.items()
        }
        self._libc = libc

    @classmethod
    def found(cls) -> Self | None:
        """The allocators; None where they are others than the usual ones of CPython and glibc."""
        libc = ctypes.CDLL(None)
        if not (_is_usual_python() and hasattr(libc, "malloc_trim")):
            return None
        raw, *own = (_functions(domain) for domain in (_RAW, _MEM, _OBJ))
        if any(each.context for each in (raw, *own)):
            return None  # somebody looks on, and would take the other's memory for damaged
        return cls(dict(zip((_MEM, _OBJ), own, strict=True)), raw, libc)

    def by_c(self) -> None:
        """Have all objects from now on made in the C library's memory."""
        _set(self._c)

    def by_python(self) -> None:
        """Have all objects from now on made in Python's memory."""
        _set(self._usual)

    def trim(self) -> None:
        """Give the C library's empty pages back to the system."""
        # The names that were looked up by last, each a page's only content after a crowd.
        ctypes.pythonapi.PyType_ClearCache()
        self._libc.malloc_trim(ctypes.c_size_t(0))


def _is_usual_python() -> bool:
    chosen = os.environ.get("PYTHONMALLOC") or sys.flags.dev_mode
    threads = sysconfig.get_config_var("Py_GIL_DISABLED")  # these have yet another allocator
    return sys.implementation.name == "cpython" and not (chosen or threads)


def _functions(domain: int) -> _Functions:
    found = _Functions()
    ctypes.pythonapi.PyMem_GetAllocator(ctypes.c_int(domain), ctypes.byref(found))
    return found


def _set(functions: dict[int, _Functions]) -> None:
    for domain, each in functions.items():
        ctypes.pythonapi.PyMem_SetAllocator(ctypes.c_int(domain), ctypes.byref(each))
