package import LaminaBase

/// What went wrong with a stream, by what can be done about it.
package enum StreamError: Error, Sendable {
    /// The broker is away or refuses for now: try again.
    case unreachable(String)
    /// The offset that was to be read is not there any more (retention, or the topic was made anew): earliest and latest that are.
    case offsetGone(StreamPartition, wanted: Int64, earliest: Int64, latest: Int64)
    /// The partition or topic does not exist.
    case partitionGone(StreamPartition)
    /// Nothing that trying again mends: credentials, properties, a malformed batch.
    case refused(LaminaError)

    package var message: String {
        switch self {
        case .unreachable(let text): text
        case .offsetGone(let partition, let wanted, let earliest, let latest):
            "Offset \(wanted) of \(partition.topic)-\(partition.number) is not in the stream any more, which holds \(earliest)"
                + " up to \(latest)"
        case .partitionGone(let partition): "There is no partition \(partition.topic)-\(partition.number)"
        case .refused(let error): error.message
        }
    }
}

/// A stream that can be read again from any offset it still has. Used by one thread, but for `wake`.
package protocol StreamSource: AnyObject, Sendable {
    /// The stream's partitions now, sorted; those of every topic that matches when it is a pattern.
    func partitions() throws(StreamError) -> [StreamPartition]
    /// Reads the given partitions, and no others, from these offsets on.
    func assign(_ position: StreamPosition) throws(StreamError)
    /// The next records, as soon as there are some; nil when none came in time. A batch that was returned is not returned again.
    ///
    /// - Errors: what was read ahead may be lost with it: only an `assign` of where the last batch ended reads on without a gap.
    func poll(maxRecords: Int, maxBytes: Int, milliseconds: Int) throws(StreamError) -> RecordBatch?
    /// The first offset that is still there.
    func earliest(_ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition
    /// One past the last offset (read committed: of the last committed record).
    func latest(_ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition
    /// The first offset whose record is not older than `time` (ms), or `latest`.
    func offsets(at time: Int64, _ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition
    /// Makes a `poll` that waits return; from any thread.
    func wake()
    func close()
}

/// Makes sources of a kind; given to whoever needs one, so that only one room knows librdkafka.
package protocol StreamConnector: Sendable {
    /// - Parameters:
    ///   - topic: its name, or a pattern that must match whole names.
    ///   - properties: the spec's `consumerProperties`, checked here against the allow-list.
    ///   - keepsKeys: whether records need key and headers.
    /// - Errors: `invalidInput` naming a property that is not allowed or malformed.
    func open(
        topic: String,
        isPattern: Bool,
        properties: JSONObject,
        keepsKeys: Bool
    ) throws(LaminaError) -> any StreamSource
}
