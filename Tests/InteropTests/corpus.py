"""Real text as records: Debian's American word list and the documents of two Debian packages.

Everything is deterministic, but for the day that timestamps start from: the same share of the same
size is the same records on each run.
A share is one producer's work. Together the shares go through the word list once, and through the
documents as often as it takes to reach the size wanted.
"""

import gzip
import time
from functools import lru_cache
from itertools import count
from pathlib import Path

from record import Record

WORDS = Path("/usr/share/dict/american-english")
DOCUMENTS = (Path("/usr/share/doc/debian-policy"), Path("/usr/share/doc/debian"))
SUFFIXES = (".txt", ".txt.gz", ".html", ".html.gz")

#: The first record's timestamp, two midnights ago. Not longer ago, or the broker's default
#: retention of a week would rightly delete the corpus while it is read.
DAY = 86_400_000
EPOCH = (int(time.time() * 1000) // DAY - 2) * DAY
#: Below the broker's default limit for a batch (1,048,588 bytes), with room for the headers.
LARGEST_VALUE = 900_000


@lru_cache(maxsize=None)
def words() -> tuple:
    return tuple(WORDS.read_bytes().split(b"\n")[:-1])


@lru_cache(maxsize=None)
def documents() -> tuple:
    """(name, whole text) of every readable document, sorted by name."""
    found = []
    for folder in DOCUMENTS:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name.endswith(SUFFIXES):
                data = path.read_bytes()
                found.append((str(path), gzip.decompress(data) if path.suffix == ".gz" else data))
    if not found:
        raise RuntimeError(f"no documents below {', '.join(map(str, DOCUMENTS))}")
    return tuple(found)


@lru_cache(maxsize=None)
def paragraphs() -> tuple:
    """(key, text) of every paragraph of every document; the key names the document."""
    found = []
    for name, text in documents():
        for number, paragraph in enumerate(text.split(b"\n\n")):
            if paragraph.strip():
                found.append((f"{name}#{number}".encode(), paragraph[:LARGEST_VALUE]))
    return tuple(found)


def timestamps():
    """Mostly forward, by uneven steps, and now and then back: producers' clocks do that."""
    now = EPOCH
    for index in count():
        yield now
        now += -500 if index % 97 == 96 else (index * 31) % 40


def headers_of(index: int) -> tuple:
    """No headers, one, or several: repeated names, empty and null values, names beyond ASCII."""
    kind = index % 8
    if kind == 0:
        return (("index", str(index).encode()),)
    if kind == 3:
        return (("trace", b"\xff\x80\x01"), ("trace", b""), ("größe", "日本".encode()))
    if kind == 5:
        return (("nothing", None), ("", b"a header without a name"))
    return ()


def share(number: int, of: int, size: int) -> list:
    """The `number`th of `of` shares: its part of the words, then paragraphs up to `size` bytes.

    About one record in 40 has no key; one in 50 of the words has no value (a tombstone) and one in
    50 an empty one; one in 300 of the paragraphs is a whole document.
    """
    clock = timestamps()
    records = []
    total = 0

    def add(key, value, index):
        nonlocal total
        records.append(Record(key, value, headers_of(index), next(clock)))
        total += len(key or b"") + len(value or b"")

    all_words = words()
    mine = range(number * len(all_words) // of, (number + 1) * len(all_words) // of)
    for index in mine:
        if total >= size // 3:
            break
        value = None if index % 50 == 17 else b"" if index % 50 == 33 else all_words[index]
        add(all_words[index], value, index)

    texts, whole = paragraphs(), documents()
    position = number * len(texts) // of
    while total < size:
        key, value = texts[position % len(texts)]
        if position % 300 == 150:
            name, text = whole[(position // 300) % len(whole)]
            key, value = name.encode(), text[:LARGEST_VALUE]
        add(None if position % 40 == 7 else key, value, position)
        position += 1
    return records


def size_of(records) -> int:
    return sum(len(r.key or b"") + len(r.value or b"") for r in records)
