"""Masking of personal data: recall, evasions, false alarms, worst-case times.

Run as ``python -m benchmarks.privacy``; ``--quick`` takes a tenth of each. Everything is made up
by ``tests/domain/personal_data.py``. Exits 1 when a pass figure is missed.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import domain.privacy
from domain.privacy import Kind, Masked, mask, pseudonym
from tests.domain.personal_data import ANY_TEXT, OPEN_SPELLINGS, SPELLINGS, TELLING, Maker

KEY = bytes(range(32))
NUMBERS = (Kind.MOBILE, Kind.LANDLINE, Kind.ID_CARD, Kind.BANK_CARD, Kind.PLATE, Kind.PASSPORT)
PASS_RECALL = {Kind.ADDRESS: 0.95, Kind.NAME: 0.90}
PASS_RECALL_NUMBERS = 0.999
PASS_SPELLING = 1.0
PASS_CHINESE_DIGITS = 0.95
PASS_FALSE_ALARMS = 0.005
PASS_REGEX_MS = 20.0
PASS_PLAIN_MS = 0.3
HOSTILE_SIZES = (5_000, 10_000)
UNITS = (
    *(
        "1",
        "1 ",
        "1-",
        "12 ",
        "123 ",
        "1234 ",
        "1.1 ",
        "一",
        "一 ",
        "O",
        "O1",
        "l",
        "1一",
        "１",
        "①1",
    ),
    *("a", "a@", "@", "a.", "a-", "a@a.", "京A", "京A1", "京一", "E1", "E1 ", "AB1", "E一"),
    *(
        "1号",
        "1号 ",
        "路1号",
        "路1号，",
        "村1组",
        "村一组",
        "1栋",
        "1-1-1",
        "区1-",
        "号",
        "路",
        "省市",
        "在",
        " ",
    ),
    *(
        "我叫",
        "我叫王",
        "王",
        "王先生",
        "先生",
        "姓名：",
        "本人张",
        "张伟",
        "姓张",
        "联系人",
        "欧阳",
        "我叫张伟，",
    ),
    *(
        "&#49;",
        "&#",
        "〔",
        "〔手机·",
        "〔手机·bcdfghjkmn〕",
        "\u200b",
        "\u200b1",
        "\u0301",
        "\u202e1",
    ),
    *("订单号", "订单号1", "电话", "电话1234567，", "1,", "13912345678 ", "86", "0086 ", "+", "("),
)


def main() -> int:
    """Print all tables and say whether every pass figure is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of each count")
    parser.add_argument("--only", choices=list(PARTS), help="one part")
    asked = parser.parse_args()
    share = 10 if asked.quick else 1
    parts = [asked.only] if asked.only else list(PARTS)
    passed = [met for part in parts for met in PARTS[part](share)]
    print("all passed" if all(passed) else "MISSED")
    return 0 if all(passed) else 1


def _harmless(share: int) -> Iterator[bool]:
    yield from false_alarms(10_000 // share)
    yield from fidelity(100_000 // share)


def _times(_share: int) -> Iterator[bool]:
    yield from worst_cases()
    yield plain_speed()


def recall(count: int) -> Iterator[bool]:
    """P1: how much of each kind is masked in full."""
    print(f"\nrecall, {count:,} complaints a kind\nkind         masked   exact span  pass")
    maker = Maker(20261123)
    for kind in maker.makers:
        samples = [maker.sample(kind) for _ in range(count)]
        masked = [mask(sample.text, KEY) for sample in samples]
        full = sum(s.is_covered(m) for s, m in zip(samples, masked, strict=True)) / count
        exact = sum(s.is_exact(m) for s, m in zip(samples, masked, strict=True)) / count
        target = PASS_RECALL.get(kind, PASS_RECALL_NUMBERS)
        print(f"{kind.value:<12} {full:7.2%}  {exact:7.2%}     ≥ {target:.1%}")
        yield full >= target


def evasion(count: int) -> Iterator[bool]:
    """P2: how many numbers are masked, with the plain number's code, in each spelling."""
    print(f"\nevasion, {count:,} numbers a cell, same code as the plain number")
    print(f"{'spelling':<22}" + "".join(f"{kind.value:>11}" for kind in NUMBERS))
    for name, spell in {**SPELLINGS, **OPEN_SPELLINGS}.items():
        shares = [_spelt(kind, spell, count) for kind in NUMBERS]
        cells = "".join(
            f"{share:>11.1%}" if share is not None else f"{'-':>11}" for share in shares
        )
        print(f"{name:<22}{cells}")
        target = PASS_CHINESE_DIGITS if name.startswith("Chinese") else PASS_SPELLING
        found = [share for share in shares if share is not None]
        yield name in OPEN_SPELLINGS or min(found) >= target


def _spelt(kind: Kind, spell: Callable[[str, Kind], str | None], count: int) -> float | None:
    maker = Maker(7)
    numbers = [maker.bare(kind) for _ in range(count)]
    spelt = [spell(number, kind) for number in numbers]
    if None in spelt:
        return None
    hits = 0
    for number, text in zip(numbers, spelt, strict=True):
        masked = mask(f"{maker.said(kind)}{text}，谢谢", KEY)
        codes = {span.pseudonym for span in masked.spans}
        hits += codes == {pseudonym(kind, number, KEY)}
    return hits / count


def false_alarms(count: int) -> Iterator[bool]:
    """P3: how many harmless complaints lose a character."""
    maker = Maker(3)
    texts = [maker.harmless() for _ in range(count)]
    share = sum(bool(mask(text, KEY).spans) for text in texts) / count
    print(
        f"\nfalse alarms: {share:.2%} of {count:,} harmless complaints (≤ {PASS_FALSE_ALARMS:.1%})"
    )
    yield share <= PASS_FALSE_ALARMS


def fidelity(count: int) -> Iterator[bool]:
    """P3: unmasked characters stay in place and a second masking changes nothing."""
    broken = 0

    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.one_of(ANY_TEXT, TELLING))
    def check(text: str) -> None:
        nonlocal broken
        masked = mask(text, KEY)
        broken += unmasked(text, masked) != text or mask(masked.text, KEY) != Masked(
            masked.text, ()
        )

    check()
    print(f"\nfidelity: {broken} of {count:,} Hypothesis strings changed elsewhere or twice (0)")
    yield broken == 0


def unmasked(text: str, masked: Masked) -> str:
    """Put the original pieces back into a masked text by the offsets of its spans."""
    pieces, position = [], 0
    for span in masked.spans:
        pieces += [masked.text[position : span.masked_start], text[span.start : span.end]]
        position = span.masked_end
    return "".join([*pieces, masked.text[position:]])


def worst_cases() -> Iterator[bool]:
    """B14: every regex, and the whole mask, on the worst strings."""
    for size in HOSTILE_SIZES:
        texts = [(unit * size)[:size] for unit in UNITS]
        texts += [f"{text[:-1]}x" for text in texts]
        times = {name: max(_ms(pattern, text) for text in texts) for name, pattern in _regexes()}
        print(f"\nworst of {len(texts)} strings, {size:,} characters: {len(times)} regexes")
        for name in sorted(times, key=times.__getitem__)[-3:]:
            print(f"  {name:<28} {times[name]:7.2f} ms  (≤ {PASS_REGEX_MS:.0f})")
        whole = {text: _cpu_ms(lambda text=text: mask(text, KEY)) for text in texts}
        slowest = sorted(whole, key=whole.__getitem__)[-3:]
        for text in slowest:
            print(f"  whole mask on {text[:12]!r:<24} {whole[text]:7.2f} ms")
        yield size > HOSTILE_SIZES[0] or max(times.values()) <= PASS_REGEX_MS


def _regexes() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in pkgutil.iter_modules(domain.privacy.__path__):
        members = vars(importlib.import_module(f"domain.privacy.{module.name}"))
        for name, value in members.items():
            if isinstance(value, re.Pattern):
                yield f"{module.name}.{name}", value


def _ms(pattern: re.Pattern[str], text: str) -> float:
    return _cpu_ms(lambda: sum(1 for _ in pattern.finditer(text)))


def _cpu_ms(work: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) * 1_000


def plain_speed() -> bool:
    """Time of a 400-character complaint with nothing personal in it."""
    maker = Maker(5)
    texts = ["".join(maker.plain() for _ in range(40))[:400] for _ in range(200)]
    times = [_cpu_ms(lambda text=text: mask(text, KEY)) for text in texts]
    median = statistics.median(times)
    print(f"\n400 characters, nothing personal: median {median:.3f} ms (≤ {PASS_PLAIN_MS} ms)")
    return median <= PASS_PLAIN_MS


PARTS: dict[str, Callable[[int], Iterator[bool]]] = {
    "recall": lambda share: recall(10_000 // share),
    "evasion": lambda share: evasion(500 // share),
    "harmless": _harmless,
    "times": _times,
}


if __name__ == "__main__":
    sys.exit(main())
