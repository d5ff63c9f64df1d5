"""A pickled text, read without unpickling: what a data file says must never run."""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib

MAX_BYTES = 512 << 20
_TEXTS = frozenset({"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"})
_HARMLESS = frozenset({"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP"})


def unpacked_text(text: str) -> str:
    """The text in base64(zlib(pickle(text))). Raises ValueError when it is anything else.

    Only the opcodes that a lone text needs are accepted, and none is executed.
    """
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
        if not inflate.eof:
            raise ValueError("cut off, or larger than 512 MiB")
        found = [(opcode.name, value) for opcode, value, _ in pickletools.genops(data)]
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"no compressed text ({error})") from None
    other = {name for name, _ in found} - _TEXTS - _HARMLESS
    if other:
        raise ValueError(f"a pickle of more than a text ({', '.join(sorted(other))})")
    texts = [value for name, value in found if name in _TEXTS]
    if len(texts) != 1:
        raise ValueError(f"a pickle of {len(texts)} texts")
    return str(texts[0])
