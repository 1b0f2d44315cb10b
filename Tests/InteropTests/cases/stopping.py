"""Starting and stopping the process; last, because they end the shared broker."""

import signal
import socket
import subprocess
import time

import corpus
from broker import BrokerError
from clients.confluent import Confluent
from harness import Context, case
from record import Record, require_same

RECORDS = [Record(b"%d" % i, b"value", (), corpus.EPOCH + i) for i in range(500)]


def refused(command, seconds=20) -> str:
    """What a broker says that must not start: one sentence or so, and exit code 1."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    if done.returncode != 1:
        raise AssertionError(f"ended with {done.returncode}, expected 1: {done.stderr[-300:]}")
    if not done.stderr.strip():
        raise AssertionError("ended with 1 without a word")
    return done.stderr


@case("SIGTERM ends with 0, and everything is there at the next start", own_process=True)
def clean_stop(context: Context):
    with context.own_broker() as broker:
        for _ in range(3):
            Confluent().produce(broker.address, "stop", 0, RECORDS, "gzip")
            broker.stop()
            broker.start()
        require_same(RECORDS * 3, Confluent().consume(broker.address, "stop", 0))
        broker.stop()


@case("SIGINT ends with 0 as well", own_process=True)
def interrupt(context: Context):
    with context.own_broker() as broker:
        broker.process.send_signal(signal.SIGINT)
        if broker.process.wait(20) != 0:
            raise AssertionError(f"ended with {broker.process.returncode}{broker.tail()}")


@case("the ready line tells address, node and cluster", own_process=True)
def ready_line(context: Context):
    with context.own_broker() as broker:
        line = broker.ready_line
        for part in (f"PLAINTEXT://127.0.0.1:{broker.port} ", "node.id=", "cluster.id=", " ms"):
            if part not in line:
                raise AssertionError(f"{part!r} is not in {line!r}")


@case("a port in use is told, with exit code 1", own_process=True)
def port_in_use(context: Context):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        folder = context.folder / "port-in-use"
        said = refused(
            [context.brokerd, "--override", f"listeners=PLAINTEXT://127.0.0.1:{port}"]
            + ["--override", f"log.dirs={folder}"]
        )
        if str(port) not in said:
            raise AssertionError(f"does not name port {port}: {said}")


@case("a directory in use by another broker is told, with exit code 1", own_process=True)
def directory_in_use(context: Context):
    with context.own_broker() as broker:
        command = [a.replace(f":{broker.port}", ":0") for a in broker.command()]
        said = refused(command)
        if "data" not in said:
            raise AssertionError(f"does not name the directory: {said}")
        broker.require_alive()


@case("a directory that cannot be made, and a damaged meta.properties, are told", own_process=True)
def bad_directory(context: Context):
    start = [context.brokerd, "--override", "listeners=PLAINTEXT://127.0.0.1:0", "--override"]
    plain_file = context.folder / "a-file"
    plain_file.write_text("not a directory")
    refused(start + [f"log.dirs={plain_file}/below"])
    with context.own_broker() as broker:
        broker.stop()
        meta = broker.directory / "data" / "meta.properties"
        meta.write_bytes(b"version=1\nnode.id=many\ncluster.id=\xff\xfe\n")
        said = refused(broker.command())
        if "meta.properties" not in said:
            raise AssertionError(f"does not name meta.properties: {said}")


@case("an unknown setting is refused with the nearest right name", own_process=True)
def unknown_setting(context: Context):
    said = refused([context.brokerd, "--override", "log.retention.hour=3"])
    if "log.retention.hours" not in said:
        raise AssertionError(f"does not propose log.retention.hours: {said}")


@case("the shared broker, after all of the above, stops with 0", own_process=True)
def shared_stop(context: Context):
    began = time.monotonic()
    context.broker.stop()
    took = time.monotonic() - began
    if took > 15:
        raise AssertionError(f"the stop took {took:.1f} s")
    for sign in ("Fatal error", "Assertion failed", "AddressSanitizer"):
        if sign in context.broker.log_text():
            raise BrokerError(f"its log has {sign!r}{context.broker.tail()}")
    # The harness looks for a running broker after each case.
    context.broker.start()
