"""kcat: a command, over Debian's librdkafka, which is some years old."""

import re
import subprocess

from record import Consumed, Record

#: Control characters that no text of the corpus has.
KEY_END, RECORD_END = b"\x1d", b"\x1e"
#: Headers are given once a run, and are the same for all its records.
HEADERS = (("sent-by", b"kcat"), ("line", b"1"))
#: offset, timestamp, length of key, length of value (-1: null), then the bytes, then headers.
FORMAT = r"%o %T %K %S|%k%s|%h\x1e"
FRAME = re.compile(rb"(\d+) (-?\d+) (-?\d+) (-?\d+)\|")


def run(address, *arguments, stdin=b"", seconds=100) -> bytes:
    done = subprocess.run(
        ["kcat", "-b", address, *arguments], input=stdin, capture_output=True, timeout=seconds
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise AssertionError(f"kcat {' '.join(arguments)} ended with {done.returncode}: {said}")
    return done.stdout


def parse_headers(text: bytes) -> tuple:
    """`a=1,b=NULL` as kcat prints it; the corpus has no comma in a header."""
    headers = []
    for part in text.split(b",") if text else ():
        name, _, value = part.partition(b"=")
        headers.append((name.decode(), None if value == b"NULL" else value))
    return tuple(headers)


def parse(output: bytes) -> list:
    found, position = [], 0
    while position < len(output):
        frame = FRAME.match(output, position)
        if frame is None:
            raise AssertionError(f"kcat printed {output[position : position + 40]!r}")
        offset, timestamp, key_size, value_size = map(int, frame.groups())
        start = frame.end()
        middle = start + max(key_size, 0)
        end = middle + max(value_size, 0)
        stop = output.index(RECORD_END, end)
        if output[end : end + 1] != b"|":
            raise AssertionError(f"kcat's lengths do not fit at offset {offset}")
        key = None if key_size < 0 else output[start:middle]
        value = None if value_size < 0 else output[middle:end]
        headers = parse_headers(output[end + 1 : stop])
        found.append(Consumed(offset, key, value, headers, timestamp))
        position = stop + 1
    return found


class Kcat:
    name = "kcat"
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")

    def sendable(self, records):
        # A null value cannot be told from an empty one on its standard input.
        return [Record(r.key, r.value or b"", HEADERS, None) for r in records]

    def produce(self, address, topic, partition, records, codec="none", idempotent=False):
        lines = []
        for record in records:
            if KEY_END in (record.key or b"") or RECORD_END in (record.value or b""):
                raise ValueError("a record holds kcat's delimiter")
            prefix = b"" if record.key is None else record.key + KEY_END
            lines.append(prefix + (record.value or b"") + RECORD_END)
        arguments = ["-P", "-t", topic, "-p", str(partition), "-z", codec]
        arguments += ["-K", r"\x1d", "-D", r"\x1e"]
        for name, value in HEADERS:
            arguments += ["-H", f"{name}={value.decode()}"]
        for setting in ("acks=all", "linger.ms=5", f"enable.idempotence={str(idempotent).lower()}"):
            arguments += ["-X", setting]
        run(address, *arguments, stdin=b"".join(lines))

    def consume(self, address, topic, partition, start=0):
        arguments = ["-C", "-q", "-e", "-t", topic, "-p", str(partition), "-o", str(start)]
        # -e ends at an empty answer, and a fetch would wait half a second for it.
        arguments += ["-X", "fetch.wait.max.ms=20"]
        return parse(run(address, *arguments, "-f", FORMAT))
