"""How kernels are compiled, and where what was compiled is kept.

The cache lies in a folder named after the content of all that goes into a kernel: numba by itself looks only at the
file a function stands in, and would go on using the old code after a change in another.
"""

from __future__ import annotations

import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from sys import byteorder
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import extending
from numba.core import cgutils, types

njit: Any = numba.njit  # its stubs know neither all of its options
config: Any = numba.config  # nor the settings, which come from the environment
intrinsic: Any = extending.intrinsic

_HERE = Path(__file__).parent
_SOURCES = (*sorted(_HERE.glob("*.py")), _HERE.parent / "layout.py", _HERE.parent / "model.py")


def _cache() -> Path:
    digest = blake2b(numba.__version__.encode(), digest_size=8)
    for source in _SOURCES:
        digest.update(source.read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(config.CACHE_DIR or Path(home) / "sgsim") / f"kernels-{digest.hexdigest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home, or one that cannot be written: better compiled again after a restart than not at all
        folder = Path(tempfile.gettempdir()) / f"sgsim-{os.getuid()}" / folder.name
    return folder


CACHE = _cache()


def is_compiled(name: str) -> bool:
    """Whether the kernel of that name has been compiled, from these very sources, on this machine before."""
    return config.DISABLE_JIT or next(CACHE.glob(f"**/*.{name}-*.nbc"), None) is not None


# numba asks where to cache when a function is decorated, so the setting need not outlive that moment.
# Without reference counts: kernels own no array, and counting them was nine tenths of their time.
def kernel(function: Any) -> Any:
    """Compile an entry point: cached on disk, and other threads run beside it."""
    before, config.CACHE_DIR = config.CACHE_DIR, str(CACHE)
    try:
        return njit(cache=True, nogil=True, _nrt=False)(function)
    finally:
        config.CACHE_DIR = before


# Python never calls these: without what it would need for that they compile in two thirds of the time (8 s against 12).
_FOR_KERNELS = {"nogil": True, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

inner = njit(forceinline=True, **_FOR_KERNELS)  # on the way of every packet
rare = njit(**_FOR_KERNELS)  # called, not copied in: handing over its arrays costs some 50 ns


# --- what numba has no words for --------------------------------------------------------------------------------------


@intrinsic
def _prefetch(typing: Any, items: Any, place: Any) -> Any:
    """The intrinsic llvm.prefetch (address, for reading, keep in all caches, data)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.none(items, types.uint64), generate


@intrinsic
def _expect_not(typing: Any, condition: Any) -> Any:
    """The intrinsic llvm.expect (condition, what it mostly is)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bit = ir.IntType(1)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(bit, [bit, bit]), "llvm.expect.i1")
        return builder.call(function, [arguments[0], bit(0)])

    return types.boolean(types.boolean), generate


def _loader(width: int, network: bool) -> Any:
    """A load of ``width`` bytes, in network order or the other: an instruction or two, where LLVM makes up to ten of
    single bytes."""

    @intrinsic
    def load(typing: Any, data: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            number = ir.IntType(8 * width)
            address = builder.bitcast(builder.gep(array.data, [arguments[1]]), number.as_pointer())
            value = builder.load(address, align=1)
            if network == (byteorder == "little"):
                value = builder.bswap(value)
            return builder.zext(value, ir.IntType(64)) if width < 8 else value

        return types.uint64(data, types.uint64), generate

    return load


_load16, _load32, _load64, _load32_little = _loader(2, True), _loader(4, True), _loader(8, True), _loader(4, False)


@inner
def _plain_seldom(condition):
    return condition


@inner
def _byte(data, at):
    return np.uint64(data[at])


@inner
def _plain16(data, at):
    return _byte(data, at) << np.uint64(8) | _byte(data, at + np.uint64(1))


@inner
def _plain32(data, at):
    return _plain16(data, at) << np.uint64(16) | _plain16(data, at + np.uint64(2))


@inner
def _plain32_little(data, at):
    upper = _byte(data, at + np.uint64(3)) << np.uint64(8) | _byte(data, at + np.uint64(2))
    return upper << np.uint64(16) | _byte(data, at + np.uint64(1)) << np.uint64(8) | _byte(data, at)


@inner
def _plain64(data, at):
    return _plain32(data, at) << np.uint64(32) | _plain32(data, at + np.uint64(4))


@inner
def _no_prefetch(items, place):
    pass


# Numbers at a place in an array of bytes, in network order but for ``u32_little``; ``prefetch`` lets an item of an
# array be loaded while other work goes on; what is ``seldom`` true is compiled out of the way. Byte by byte, with every
# index looked at, in the modes that exist to look.
if config.DISABLE_JIT or config.BOUNDSCHECK:
    u16, u32, u64, u32_little = _plain16, _plain32, _plain64, _plain32_little
    prefetch, seldom = _no_prefetch, _plain_seldom
else:
    u16, u32, u64, u32_little = _load16, _load32, _load64, _load32_little
    prefetch, seldom = _prefetch, _expect_not
