"""A brokerd process of our own: started on a free port, killed, started again, stopped."""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

READY = re.compile(r"^ready PLAINTEXT://([^:\s]+):(\d+)\b")


class BrokerError(Exception):
    """The process did not do what a broker should; the message ends with its last log lines."""


class Broker:
    """One broker with one data directory. The port of its first start is kept for later ones.

    Give `advertised` when clients shall come through a proxy.
    """

    START_SECONDS = 30
    STOP_SECONDS = 30

    def __init__(self, brokerd: str, directory: Path, overrides=None, advertised=None):
        self.brokerd = brokerd
        self.directory = Path(directory)
        self.overrides = dict(overrides or {})
        self.advertised = advertised
        self.port = 0
        self.process = None
        self.log = self.directory / "stderr.txt"
        self.ready_line = ""

    @property
    def address(self) -> str:
        """What clients are told to connect to."""
        return self.advertised or f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def command(self) -> list:
        settings = {
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": str(self.directory / "data"),
        }
        if self.advertised:
            settings["advertised.listeners"] = f"PLAINTEXT://{self.advertised}"
        settings.update(self.overrides)
        command = [self.brokerd]
        for key, value in settings.items():
            command += ["--override", f"{key}={value}"]
        return command

    def start(self) -> "Broker":
        self.directory.mkdir(parents=True, exist_ok=True)
        # The log goes to a file, never to a pipe that nobody empties.
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
            )
        found = threading.Event()
        reader = threading.Thread(target=self._read_output, args=(self.process, found), daemon=True)
        reader.start()
        deadline = time.monotonic() + self.START_SECONDS
        while not found.wait(0.02):
            if not self.running:
                raise BrokerError(
                    f"brokerd ended with {self.process.returncode} before it was ready{self.tail()}"
                )
            if time.monotonic() > deadline:
                self.kill()
                raise BrokerError(f"brokerd not ready in {self.START_SECONDS} s{self.tail()}")
        self.port = int(READY.match(self.ready_line).group(2))
        if self.address == self.advertised == f"127.0.0.1:{self.port}":
            raise BrokerError("the ready line tells the advertised port, not that of the listener")
        return self

    def _read_output(self, process, found):
        for line in process.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            if READY.match(text) and not found.is_set():
                self.ready_line = text
                found.set()
        process.stdout.close()

    def kill(self):
        """SIGKILL: the process has no chance to write or say anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart_after_kill(self):
        self.kill()
        self.start()

    def stop(self):
        """SIGTERM; a clean stop ends with 0."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(self.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerError(f"still running {self.STOP_SECONDS} s after SIGTERM{self.tail()}")
        if code != 0:
            raise BrokerError(f"ended with {code} after SIGTERM, expected 0{self.tail()}")

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=15) -> str:
        last = self.log_text().splitlines()[-lines:]
        return "".join(f"\n    | {line}" for line in last) or " (its log is empty)"

    def require_alive(self):
        if not self.running:
            raise BrokerError(f"the broker ended with {self.process.returncode}{self.tail()}")

    def resident_bytes(self) -> int:
        """Resident memory, from the kernel's own books."""
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        if self.running:
            self.kill()


class OutsideBroker:
    """A Kafka that somebody else runs, to check the suite's own expectations against."""

    running = True
    ready_line = ""

    def __init__(self, address: str):
        self.address = address
        self.port = int(address.rsplit(":", 1)[1])

    def start(self):
        return self

    def require_alive(self):
        pass

    def tail(self, lines=15):
        return ""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass
