"""Our own command for the shell, as a script would use it."""

import json
import subprocess


class Apus:
    """One `apus`, asked about one cluster."""

    def __init__(self, executable, address):
        self.executable = executable
        self.address = address

    def run(self, *arguments, stdin=b"", code=0, seconds=60) -> bytes:
        """What it prints; ends with an error unless its exit code is the one expected."""
        command = [self.executable, *arguments, "--bootstrap-server", self.address]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds)
        if done.returncode != code:
            said = done.stderr.decode(errors="replace").strip()
            raise AssertionError(
                f"apus {' '.join(arguments)} ended with {done.returncode}, not {code}: {said}"
            )
        return done.stdout

    def objects(self, *arguments, **more) -> list:
        return [json.loads(line) for line in self.run(*arguments, "--json", **more).splitlines()]

    def produce(self, topic, lines, *arguments):
        text = "".join(f"{line}\n" for line in lines).encode()
        [report] = self.objects("produce", topic, *arguments, stdin=text)
        if (report["acknowledged"], report["failed"]) != (len(lines), 0):
            raise AssertionError(f"{len(lines)} records were sent, and apus says {report}")

    def group(self, group) -> dict:
        [described] = self.objects("group", "describe", group)
        return described
