"""The list of cases, how one is run, and what is printed."""

import shutil
import signal
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker import Broker, BrokerError, OutsideBroker


class Skip(Exception):
    """A case that cannot run here; the message says why."""


@dataclass
class Case:
    name: str
    body: object
    seconds: int
    own_process: bool
    full_only: bool


CASES: list = []


def case(name: str, seconds: int = 120, own_process: bool = False, full_only: bool = False):
    """Adds the function below it to the suite. It gets a `Context` and raises when it fails.

    `own_process` marks what needs to start or kill brokerd, and so cannot run on an outside Kafka;
    `full_only` what the short form leaves out.
    """

    def add(body):
        if any(existing.name == name for existing in CASES):
            raise ValueError(f"two cases are named {name!r}")
        CASES.append(Case(name, body, seconds, own_process, full_only))
        return body

    return add


class Context:
    """What a case is given: the shared broker, sizes, and brokers of its own."""

    def __init__(self, brokerd, apus, folder: Path, short: bool, outside=None):
        self.brokerd = brokerd
        self.apus = apus
        self.folder = folder
        self.short = short
        self.outside = outside
        self.broker = None
        self.topics = 0
        self.brokers = 0
        self.text_bytes = 0
        # Names must not meet those of an earlier run against the same outside broker.
        self.prefix = f"t{int(time.time()) % 1_000_000}-" if outside else ""

    def start(self):
        if self.outside:
            self.broker = OutsideBroker(self.outside)
        else:
            self.broker = self._new_broker({}).start()

    def ensure_running(self):
        """After a case that killed the shared broker: the next one gets a new one."""
        if self.broker is None or not self.broker.running:
            self.start()

    def _new_broker(self, overrides, advertised=None) -> Broker:
        self.brokers += 1
        return Broker(self.brokerd, self.folder / f"broker-{self.brokers}", overrides, advertised)

    @contextmanager
    def own_broker(self, overrides=None, advertised=None):
        """A broker for one case. Its files go when the case has passed."""
        broker = self._new_broker(overrides or {}, advertised)
        with broker:
            try:
                yield broker
            except Exception as error:
                if broker.process.poll() not in (None, 0, -signal.SIGKILL):
                    died = f"the broker ended with {broker.process.returncode}"
                    raise BrokerError(f"{died} ({reason(error)}){broker.tail()}") from error
                raise
        shutil.rmtree(broker.directory, ignore_errors=True)

    @property
    def address(self) -> str:
        return self.broker.address

    def topic(self, hint: str) -> str:
        self.topics += 1
        return f"{self.prefix}{hint}-{self.topics}"


class _TookTooLong(Exception):
    pass


@contextmanager
def time_limit(seconds):
    def expired(signum, frame):
        raise _TookTooLong(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def reason(error: BaseException) -> str:
    """One line: what went wrong, and where in the cases when it was not an assertion of ours."""
    # A broker's last log lines keep their lines; what clients say becomes one, of bearable length.
    text = str(error) or type(error).__name__
    if not isinstance(error, BrokerError):
        text = " ".join(text.split())
        text = text if len(text) <= 500 else f"{text[:300]} ... {text[-190:]}"
    if isinstance(error, AssertionError):
        if error.args:
            return text
        text = "assertion"
    here = [f for f in traceback.extract_tb(error.__traceback__) if "/InteropTests/" in f.filename]
    place = f" (at {Path(here[-1].filename).name}:{here[-1].lineno})" if here else ""
    return f"{type(error).__name__}: {text}{place}"


def run(context: Context, cases, verbose=False) -> int:
    """Runs the cases in order, prints a line for each and the closing line; 0 if none failed."""
    passed = failed = skipped = 0
    for one in cases:
        began = time.monotonic()
        if one.own_process and context.outside:
            print(f"skip  {one.name}: needs a brokerd of its own", flush=True)
            skipped += 1
            continue
        try:
            context.ensure_running()
            with time_limit(one.seconds):
                one.body(context)
            context.broker.require_alive()
            print(f"ok  {one.name} ({time.monotonic() - began:.1f} s)", flush=True)
            passed += 1
        except Skip as why:
            print(f"skip  {one.name}: {why}", flush=True)
            skipped += 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            print(f"FAILED  {one.name}: {reason(error)}", flush=True)
            if verbose:
                traceback.print_exception(error)
            failed += 1
    if context.text_bytes:
        print(
            f"{context.text_bytes / 1e6:.1f} MB of text sent, and read by every client", flush=True
        )
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{tail}", flush=True)
    return 1 if failed or not passed else 0


@contextmanager
def scratch_folder(keep: bool):
    folder = Path(tempfile.mkdtemp(prefix="apus-interop-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"the brokers' files are kept in {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
