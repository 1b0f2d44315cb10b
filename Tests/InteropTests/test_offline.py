#!/usr/bin/env python3
"""Checks the suite's own parts without a broker: a wrong test is worse than none.

What the suite encodes by hand is decoded with kafka-python's protocol classes.
"""

import sys
import tempfile
import unittest
from pathlib import Path

import cases
import corpus
import harness
import wire
from broker import Broker, BrokerError
from clients import kcat
from kafka.record.memory_records import MemoryRecords
from record import Consumed, Record, require_same

FAKE_BROKER = """#!{python}
import signal, sys, time
if "--override" in sys.argv and any("fail=" in a for a in sys.argv):
    print("cannot start", file=sys.stderr)
    sys.exit(1)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready PLAINTEXT://127.0.0.1:45678 node.id=1 cluster.id=x in 7 ms", flush=True)
while True:
    time.sleep(1)
"""


def encoded(request, version) -> bytes:
    """A decoded request has no header, and kafka-python looks for one before it encodes."""
    request._header = None
    return request.encode(version=version)


class CorpusTests(unittest.TestCase):
    def test_a_share_is_the_same_each_time(self):
        self.assertEqual(corpus.share(3, 20, 50_000), corpus.share(3, 20, 50_000))

    def test_shares_differ_and_have_their_size(self):
        first, second = corpus.share(0, 20, 100_000), corpus.share(1, 20, 100_000)
        self.assertNotEqual([r.value for r in first], [r.value for r in second])
        for share in (first, second):
            self.assertGreaterEqual(corpus.size_of(share), 100_000)

    def test_all_kinds_of_records_occur(self):
        records = corpus.share(5, 20, 600_000)
        self.assertTrue(any(r.key is None for r in records))
        self.assertTrue(any(r.value is None for r in records))
        self.assertTrue(any(r.value == b"" for r in records))
        self.assertTrue(any(len(r.headers) == 3 for r in records))
        self.assertTrue(any(b.timestamp < a.timestamp for a, b in zip(records, records[1:])))

    def test_no_text_holds_kcats_delimiters(self):
        for _, text in corpus.documents():
            self.assertNotIn(kcat.RECORD_END, text)
            self.assertNotIn(kcat.KEY_END, text)


class WireTests(unittest.TestCase):
    def test_a_batch_is_what_kafka_python_reads(self):
        data = wire.batch([b"one", b"", b"three" * 100], timestamp=5000, producer=(7, 1, 20))
        records = MemoryRecords(data)
        batch = records.next_batch()
        self.assertTrue(batch.validate_crc())
        self.assertEqual((batch.producer_id, batch.producer_epoch, batch.base_sequence), (7, 1, 20))
        found = [(r.offset, r.value, r.timestamp) for r in batch]
        self.assertEqual(found, [(0, b"one", 5000), (1, b"", 5000), (2, b"three" * 100, 5000)])

    def test_lies_take(self):
        self.assertFalse(MemoryRecords(wire.batch([b"x"], crc=1)).next_batch().validate_crc())

    def test_varints(self):
        for number, encoded in {0: "00", -1: "01", 1: "02", 300: "d804"}.items():
            self.assertEqual(wire.varint(number).hex(), encoded)

    def test_produce_and_fetch_bodies_are_what_kafka_python_reads(self):
        from kafka.protocol.consumer import FetchRequest
        from kafka.protocol.producer import ProduceRequest

        body = wire.produce_body("topic", 3, b"records")
        request = ProduceRequest.decode(body, version=3)
        self.assertEqual((request.acks, request.topic_data[0].name), (-1, "topic"))
        self.assertEqual(request.topic_data[0].partition_data[0].index, 3)
        self.assertEqual(request.topic_data[0].partition_data[0].records, b"records")
        self.assertEqual(encoded(request, 3), body)

        body = wire.fetch_body(
            [("t", 1, 55, 1000)], wait=5, least=2, session=9, epoch=4, forget=[("f", 6)]
        )
        request = FetchRequest.decode(body, version=11)
        self.assertEqual((request.session_id, request.session_epoch), (9, 4))
        self.assertEqual(request.topics[0].partitions[0].fetch_offset, 55)
        self.assertEqual(request.forgotten_topics_data[0].partitions, [6])
        self.assertEqual(encoded(request, 11), body)

    def test_fetch_answers_are_read(self):
        from kafka.protocol.consumer import FetchResponse

        topic = FetchResponse.FetchableTopicResponse
        part = topic.PartitionData(
            partition_index=2,
            error_code=0,
            high_watermark=10,
            last_stable_offset=10,
            log_start_offset=1,
            aborted_transactions=None,
            preferred_read_replica=-1,
            records=b"abc",
        )
        response = FetchResponse(
            throttle_time_ms=0,
            error_code=0,
            session_id=77,
            responses=[topic(topic="t", partitions=[part])],
        )
        fetched = wire.Fetched(wire.Reader(response.encode(version=11)))
        self.assertEqual((fetched.session, fetched.only().records), (77, b"abc"))
        self.assertEqual((fetched.only().high_watermark, fetched.only().log_start), (10, 1))


class KcatTests(unittest.TestCase):
    def test_output_is_taken_apart_by_its_lengths(self):
        output = b"0 5 1 3|kv|x|a=1,b=NULL,c=\x1e" + b"7 6 -1 -1||\x1e"
        self.assertEqual(
            kcat.parse(output),
            [
                Consumed(0, b"k", b"v|x", (("a", b"1"), ("b", None), ("c", b"")), 5),
                Consumed(7, None, None, (), 6),
            ],
        )


class RecordTests(unittest.TestCase):
    def test_a_difference_is_named(self):
        want = [Record(b"k", b"v", (), 1), Record(b"k", b"w", (), 2)]
        same = [Consumed(i, r.key, r.value, r.headers, r.timestamp) for i, r in enumerate(want)]
        require_same(want, same)
        for wrong in (same[:1], same + same, [same[0], same[1]._replace(value=b"x")], same[::-1]):
            with self.assertRaises(AssertionError):
                require_same(want, wrong)


class BrokerTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.program = Path(self.folder.name) / "brokerd"
        self.program.write_text(FAKE_BROKER.format(python=sys.executable))
        self.program.chmod(0o755)

    def tearDown(self):
        self.folder.cleanup()

    def test_ready_kill_restart_stop(self):
        with Broker(str(self.program), Path(self.folder.name) / "b") as broker:
            self.assertEqual(broker.address, "127.0.0.1:45678")
            broker.restart_after_kill()
            self.assertIn("listeners=PLAINTEXT://127.0.0.1:45678", broker.command())
            self.assertTrue(broker.running)
            broker.stop()
            self.assertFalse(broker.running)

    def test_a_broker_that_does_not_start_is_told(self):
        broker = Broker(str(self.program), Path(self.folder.name) / "b", {"fail": "yes"})
        with self.assertRaisesRegex(BrokerError, "ended with 1 before it was ready.*\n.*cannot"):
            broker.start()


class CaseTests(unittest.TestCase):
    def test_all_cases_load_and_have_distinct_names(self):
        found = [c.name for c in cases.all_cases()]
        self.assertGreater(len(found), 80)
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(found, [c.name for c in harness.CASES])


if __name__ == "__main__":
    unittest.main()
