"""Producing to Kafka from scripts, through the librdkafka that Lamina is built with: nothing else needs to be installed.

`Cluster` is librdkafka's mock cluster in this process; a partition of it keeps the last 5 MB and 100,000 batches. A real broker is
started by `../shared/kafka/kafka.sh start`.
"""

import ctypes
import ctypes.util

_lib = ctypes.CDLL(ctypes.util.find_library("rdkafka") or "librdkafka.so.1")
_pointer, _text, _size, _int = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int


def _declare(name, result, *arguments):
    function = getattr(_lib, name)
    function.restype, function.argtypes = result, arguments
    return function


_conf_new = _declare("rd_kafka_conf_new", _pointer)
_conf_set = _declare("rd_kafka_conf_set", _int, _pointer, _text, _text, _text, _size)
_new = _declare("rd_kafka_new", _pointer, _int, _pointer, _text, _size)
_destroy = _declare("rd_kafka_destroy", None, _pointer)
_topic_new = _declare("rd_kafka_topic_new", _pointer, _pointer, _text, _pointer)
_produce = _declare(
    "rd_kafka_produce", _int, _pointer, ctypes.c_int32, _int, _text, _size, _text, _size, _pointer
)
_poll = _declare("rd_kafka_poll", _int, _pointer, _int)
_flush = _declare("rd_kafka_flush", _int, _pointer, _int)
_watermarks = _declare(
    "rd_kafka_query_watermark_offsets",
    _int,
    _pointer,
    _text,
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_int64),
    ctypes.POINTER(ctypes.c_int64),
    _int,
)
_mock = _declare("rd_kafka_handle_mock_cluster", _pointer, _pointer)
_bootstraps = _declare("rd_kafka_mock_cluster_bootstraps", _text, _pointer)
_topic_create = _declare("rd_kafka_mock_topic_create", _int, _pointer, _text, _int, _int)

_PRODUCER, _COPY = 0, 2


class Producer:
    """Sends values; `flush` says when all of them are stored."""

    def __init__(self, servers=None, codec="gzip", **settings):
        settings = {
            "compression.codec": codec,
            "linger.ms": 20,
            "queue.buffering.max.messages": 1000000,
            "batch.num.messages": 10000,
            **{k.replace("_", "."): v for k, v in settings.items()},
        }
        if servers:
            settings["bootstrap.servers"] = servers
        conf, error = _conf_new(), ctypes.create_string_buffer(512)
        for name, value in settings.items():
            if _conf_set(conf, name.encode(), str(value).encode(), error, 512) != 0:
                raise ValueError(error.value.decode())
        self.handle = _new(_PRODUCER, conf, error, 512)
        if not self.handle:
            raise RuntimeError(error.value.decode())
        self.topics = {}
        self.sent = {}

    def produce(self, topic, value, partition=0, key=None):
        """One record; waits while too many are on their way."""
        name = topic
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = _topic_new(self.handle, name.encode(), None)
        while _produce(topic, partition, _COPY, value, len(value), key, len(key or b""), None) != 0:
            _poll(self.handle, 10)
        place = (name, partition)
        self.sent[place] = self.sent.get(place, 0) + 1

    def flush(self):
        if _flush(self.handle, 120000) != 0:
            raise RuntimeError("not all records were stored")

    def offsets(self, topic, partition):
        """The first offset and the one behind the last."""
        low, high = ctypes.c_int64(), ctypes.c_int64()
        code = _watermarks(self.handle, topic.encode(), partition, ctypes.byref(low), ctypes.byref(high), 10000)
        if code != 0:
            raise RuntimeError("error %d asking for the offsets of %s/%d" % (code, topic, partition))
        return low.value, high.value

    def close(self):
        _destroy(self.handle)


class Cluster(Producer):
    """A mock cluster of one broker, and a producer to it."""

    def __init__(self, codec="gzip"):
        super().__init__(None, codec, **{"test.mock.num.brokers": 1})
        self.mock = _mock(self.handle)
        self.servers = _bootstraps(self.mock).decode()

    def create(self, topic, partitions=1):
        if _topic_create(self.mock, topic.encode(), partitions, 1) != 0:
            raise RuntimeError("the topic %s cannot be made" % topic)
