"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("5c48f4878621a35e32fd1ed6efe2849276f4234c1cb9d62d67441bb7c898f574"),
    ("hotline", "1.0.0"): ("a456ec624c0e4e30bc0e4023a9bfb407d75fc29453309ba30bbecca512ad321b"),
}
