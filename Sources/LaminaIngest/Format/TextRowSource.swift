package import LaminaBase
import Synchronization

/// Opens the rows of an input. Entities are listed now; each is opened when its turn comes.
///
/// - Parameter format: of the bytes; nil for sources that need none.
package func openRows(
    _ source: InputSource,
    _ format: InputFormat?,
    _ options: RowSourceOptions
) throws(LaminaError) -> any RowSource {
    if case .druid(let druid) = source.kind {
        guard let library = options.library else { throw .unsupported("the druid input source here") }
        return try SegmentRowSource(druid, library, wanted: options.wantedFields)
    }
    if case .combining(let delegates) = source.kind, !delegates.allSatisfy({ $0.yieldsBytes }) {
        var sources: [any RowSource] = []
        for delegate in delegates { sources.append(try openRows(delegate, format, options)) }
        return ChainedRowSource(sources)
    }
    guard let format else { throw .invalidInput("spec.ioConfig.inputFormat must be given") }
    if case .kafka(let input) = source.kind {
        guard let connector = options.connector else { throw .unsupported("the kafka input source here") }
        if case .following = input.selection, options.until == nil {
            throw .invalidInput("The kafka input source cannot start at the latest offset: it would never end")
        }
        let stream = try connector.open(
            topic: input.topic,
            isPattern: input.isPattern,
            properties: input.properties,
            keepsKeys: format.readsKeys
        )
        return StreamRowSource(
            input,
            stream,
            RecordParser(format, wanted: options.wantedFields),
            until: options.until,
            readsInOrder: options.readsInOrder
        )
    }
    if case .kafka = format.kind {
        throw .invalidInput("The inputFormat of type 'kafka' reads records of Kafka, not files")
    }
    return TextRowSource(entities: try source.entities(options), format: format, wanted: options.wantedFields)
}

/// Rows of text formats: chunks are cut under a lock, parsed by whoever asks.
final class TextRowSource: RowSource {
    private let format: InputFormat
    private let wanted: Set<String>?
    private let reader: Mutex<ChunkReader>
    private let records = Monitor(RecordCounts())
    private let parsers = ParserPool()
    /// Smaller when rows have very many fields.
    private let chunkSize = Atomic(ChunkReader.chunkMax)

    init(entities: [InputEntity], format: InputFormat, wanted: Set<String>?) {
        self.format = format
        self.wanted = wanted
        reader = Mutex(ChunkReader(entities: entities, format: format))
    }

    func nextBatch() throws(LaminaError) -> RowBatch? {
        let size = chunkSize.load(ordering: .relaxed)
        let chunk: RecordChunk? = try reader.withLock { (reader) throws(LaminaError) in try reader.next(sizeMax: size) }
        guard let chunk else { return nil }
        let builder = BatchBuilder(chunk, wanted: wanted)
        switch format.kind {
        case .json(let json) where json.isPlain: parsers.parseLines(builder, json)
        case .json(let json): parseTrees(builder, json)
        case .delimited(let delimited): delimited.parse(builder)
        case .regex(let regex): regex.parse(builder)
        case .kafka: throw .unsupported("The inputFormat of type 'kafka' for files")
        }
        chunkSize.store(builder.goodChunkSize, ordering: .relaxed)
        let firstRecord = countRecords(builder)
        if let failure = builder.failure {
            reader.withLock { $0.fail(failure) }
            throw failure
        }
        return builder.finish(firstRecord: firstRecord)
    }

    /// Adds the batch's rows to the count of its entity and answers the number of its first record. Waits for the chunks before
    /// it, which other threads are parsing right now.
    private func countRecords(_ builder: BatchBuilder) -> Int {
        let chunk = builder.chunk
        let rows = builder.rowCount
        records.update { $0.finish(chunk, rows: rows) }
        let before = records.wait { $0.takeRecordsBefore(chunk) }
        return (before ?? 0) + 1
    }
}

/// How many records the chunks of each entity had.
private struct RecordCounts: Sendable {
    private struct Key: Hashable {
        var entity: Int
        var index: Int
    }

    private struct Progress {
        var nextIndex = 0
        var records = 0
    }

    /// Rows of chunks that wait for one before them.
    private var finished: [Key: Int] = [:]
    private var before: [Key: Int] = [:]
    private var progress: [Int: Progress] = [:]

    mutating func finish(_ chunk: RecordChunk, rows: Int) {
        finished[Key(entity: chunk.entity, index: chunk.indexInEntity)] = rows
        var current = progress[chunk.entity] ?? Progress()
        var key = Key(entity: chunk.entity, index: current.nextIndex)
        while let rows = finished.removeValue(forKey: key) {
            before[key] = current.records
            current.records += rows
            current.nextIndex += 1
            key.index += 1
        }
        progress[chunk.entity] = current
    }

    /// Records of the entity before this chunk, once; nil while a chunk before it is still being parsed.
    mutating func takeRecordsBefore(_ chunk: RecordChunk) -> Int? {
        before.removeValue(forKey: Key(entity: chunk.entity, index: chunk.indexInEntity))
    }
}
