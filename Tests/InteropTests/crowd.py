"""The members of one group, each a process of its own, and a producer that feeds them."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import clients.member
from clients.admin import confluent_admin, settle
from clients.confluent import Sending, consumer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic
from record import Record

PARTITIONS = 12


class Member:
    """A process of `clients/member.py`, and what it has processed."""

    def __init__(self, client, address, group, topic, strategy):
        program = Path(clients.member.__file__)
        self.process = subprocess.Popen(
            [sys.executable, str(program), client, address, group, topic, strategy],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.is_ready = threading.Event()
        self.values = []
        self.errors = []
        self.readers = [
            threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)
        ]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            # A line that the kill cut short was not processed.
            if not line.endswith("\n"):
                continue
            if line == "ready\n":
                self.is_ready.set()
            else:
                self.values.append(line.rstrip("\n"))

    def _read_errors(self):
        self.errors.extend(self.process.stderr)

    def ready(self) -> "Member":
        if not self.is_ready.wait(40):
            raise AssertionError(f"a member got no partitions in 40 s: {self.errors[-3:]}")
        return self

    def kill(self):
        """SIGKILL: it says nothing to anybody, and is missed when its session ends."""
        self.process.kill()
        self._ended()

    def ask_to_leave(self):
        self.process.terminate()

    def leave(self):
        self.ask_to_leave()
        self.left()

    def left(self):
        self._ended()
        if self.process.returncode != 0:
            raise AssertionError(f"a member ended with {self.process.returncode}: {self.errors}")

    def _ended(self):
        self.process.wait(30)
        for reader in self.readers:
            reader.join(5)


class Crowd:
    """A topic, its producer, and a group that reads it.

    `members` are those that are meant to be in the group; `all` has those that were.
    """

    def __init__(self, address, client, strategy, topic):
        self.address = address
        self.arguments = (client, address, f"group-of-{topic}", topic, strategy)
        self.group, self.topic = self.arguments[2], topic
        self.values = []
        self.members = []
        self.all = []
        admin = confluent_admin(address)
        settle(admin.create_topics([NewTopic(topic, PARTITIONS, 1)]))
        self.enough = threading.Event()
        self.feeding = threading.Thread(target=self._feed)
        self.failure = None

    def _feed(self):
        """About 500 records a second, each one once, until it is enough; some in each partition."""
        try:
            sending = Sending(self.address, enable_idempotence=True)
            while True:
                for _ in range(4 * PARTITIONS):
                    number = len(self.values)
                    self.values.append(f"value {number}")
                    record = Record(None, self.values[-1].encode())
                    sending.send(self.topic, number % PARTITIONS, record)
                if self.enough.wait(0.1):
                    break
            sending.finish()
        except Exception as error:  # shown by `finish`, on the case's own thread
            self.failure = error

    def join(self, count=1, strategy=None) -> list:
        """Starts members, and does not wait for what comes of it."""
        arguments = (*self.arguments[:-1], strategy or self.arguments[-1])
        members = [Member(*arguments) for _ in range(count)]
        self.all += members
        self.members += members
        return members

    def add(self, count=1, strategy=None) -> list:
        """Starts members, and waits until each has been told its part."""
        return [member.ready() for member in self.join(count, strategy)]

    def take(self, index=0) -> Member:
        """One that is about to go."""
        return self.members.pop(index)

    def come_and_go(self, steps, pause, most, deaths, seed):
        """Every `pause` seconds some members join or go, while others still come and go: up to
        `most`, then down to one, then up and down. With `deaths`, every other one that goes is
        killed. Then some stay."""
        choose = random.Random(seed)
        stride = max(1, most // 4)
        gone = []
        for step in range(steps):
            time.sleep(pause)
            third = 3 * step // steps
            if third == 0 or third == 2 and choose.random() < 0.5 or len(self.members) == 1:
                self.join(min(stride, most - len(self.members)))
                continue
            for _ in range(min(stride, len(self.members) - 1)):
                member = self.take(choose.randrange(len(self.members)))
                gone.append(member)
                if deaths and len(gone) % 2 == 1:
                    member.kill()
                else:
                    member.ask_to_leave()
        for member in gone:
            if member.process.returncode != -signal.SIGKILL:
                member.left()
        for member in self.members:
            member.ready()

    def processed(self) -> Counter:
        return Counter(value for member in self.all for value in list(member.values))

    def finish(self, seconds=60):
        """Ends the producer, waits until everything is processed and committed; then all leave."""
        self.enough.set()
        self.feeding.join(120)
        if self.failure:
            raise self.failure
        deadline = time.monotonic() + seconds
        while missing := set(self.values) - set(self.processed()):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{len(missing)} of {len(self.values)} records are not processed,"
                    f" such as {sorted(missing)[:3]}"
                )
            time.sleep(0.3)
        # What was between two members when it was processed comes a second time.
        ends = self.ends()
        while (committed := self.committed()) != ends:
            if time.monotonic() > deadline:
                raise AssertionError(f"committed {committed}, the ends are {ends}")
            time.sleep(0.3)
        for member in self.members:
            member.ask_to_leave()
        for member in self.members:
            member.left()

    def require_each_once(self):
        twice = [value for value, count in self.processed().items() if count > 1]
        if twice:
            raise AssertionError(f"{len(twice)} records came twice, such as {twice[:3]}")

    def committed(self) -> list:
        """By partition; -1001 where nothing is committed."""
        with self._consumer() as client:
            return [p.offset for p in client.committed(self._partitions(), 30)]

    def ends(self) -> list:
        with self._consumer() as client:
            return [client.get_watermark_offsets(p)[1] for p in self._partitions()]

    def _partitions(self):
        return [TopicPartition(self.topic, i) for i in range(PARTITIONS)]

    @contextmanager
    def _consumer(self):
        client = consumer(self.address, group_id=self.group)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def crowd(broker, client, strategy, context):
    group = Crowd(broker.address, client, strategy, context.topic("group"))
    try:
        yield group
    finally:
        group.enough.set()
        for member in group.all:
            if member.process.poll() is None:
                member.kill()
