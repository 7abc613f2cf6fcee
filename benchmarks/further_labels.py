"""Labels that this project added, joined with the texts they stand for.

The file holds no text: a row names its table, the row's number there and the head of the SHA-1
of its text, and says how a language model read it under the labelling guide. The texts stay in
the tables beside the repository.

    python benchmarks/further_labels.py --data ../shared    # how many rows find their text
"""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path

import pandas as pd

FILE = Path(__file__).with_name("further_labels.csv.gz")
LONGEST = 420
_LONG_NUMBER = re.compile(r"\d{7,}")


def further_labels(data: Path) -> pd.DataFrame:
    """Labels with their texts; a row whose text is not found is left out.

    Parameters
    ----------
    data : Path
        The folder with the tables' folder ``data``.

    Returns
    -------
    DataFrame
        Columns ``table, row, sha1, text, issues, tier, sentiment, intent``.
    """
    labels = pd.read_csv(FILE, dtype=str, keep_default_na=False)
    texts = pd.Series("", index=labels.index)
    for table, rows in labels.groupby("table"):
        told = _texts(data / "data" / f"{table}.csv.gz")
        numbers = rows["row"].astype(int)
        texts[rows.index] = [told[n] if n < len(told) else "" for n in numbers]
    found = labels["sha1"] == [text_key(text) for text in texts]
    return labels.assign(text=texts)[found].reset_index(drop=True)


def text_key(text: str) -> str:
    """The head of a text's SHA-1, which stands for it in files that may not hold it."""
    return hashlib.sha1(text.encode()).hexdigest()[:10]


def _texts(path: Path) -> list[str]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "text" in frame:
        told = frame["text"].str.strip()
    else:
        told = frame["title"].str.strip() + "。" + frame["detail"].str.strip()
    return [_LONG_NUMBER.sub(_stars, text.strip()[:LONGEST]) for text in told]


def _stars(number: re.Match[str]) -> str:
    return "*" * len(number.group())


def main() -> None:
    """Say how many rows find their text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    found = further_labels(parser.parse_args().data)
    print(f"{len(found)} rows with their texts")
    print(found["tier"].value_counts().to_string())


if __name__ == "__main__":
    main()
