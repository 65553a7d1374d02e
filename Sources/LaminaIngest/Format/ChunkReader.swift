import LaminaBase
import LaminaCompression

/// Cuts the entities of an input into chunks of whole records, in order. Used under a lock.
struct ChunkReader: ~Copyable {
    /// Text of one chunk; longer records make longer chunks.
    static let chunkMax = 512 << 10
    private static let firstChunk = 16 << 10
    /// A record longer than this is refused. Opened text can be six times as long and must fit 32 bits.
    private static let recordMax = 256 << 20

    private let entities: [InputEntity]
    private let format: InputFormat
    private var nextEntity = 0
    private var source: OpenEntity?
    private var sequence = 0
    private var failure: LaminaError?
    /// Doubles from chunk to chunk: the first ones tell how wide the rows are.
    private var chunkSize = firstChunk

    private struct OpenEntity {
        let source: any ByteSource
        let uri: String?
        let number: Int
        var chunks = 0
        /// Bytes read beyond the last cut.
        var carry: [UInt8] = []
        var line = 1
        var isAtEnd = false
        var header: HeaderReader
    }

    init(entities: [InputEntity], format: InputFormat) {
        self.entities = entities
        self.format = format
    }

    /// Makes every further call throw the error.
    mutating func fail(_ error: LaminaError) {
        failure = failure ?? error
    }

    /// The next chunk, of about `sizeMax` bytes at most; nil at the end. After an error, always that error.
    mutating func next(sizeMax: Int) throws(LaminaError) -> sending RecordChunk? {
        if let failure { throw failure }
        chunkSize = min(chunkSize * 2, sizeMax)
        do throws(LaminaError) {
            while true {
                if source == nil {
                    guard nextEntity < entities.count else { return nil }
                    let entity = entities[nextEntity]
                    source = OpenEntity(
                        source: try entity.open(),
                        uri: entity.uri,
                        number: nextEntity,
                        header: HeaderReader(format)
                    )
                    nextEntity += 1
                }
                if let chunk = try cut() { return chunk }
            }
        } catch {
            failure = error
            throw error
        }
    }

    /// The next chunk of the open entity; nil when it has come to its end or only header lines were read.
    private mutating func cut() throws(LaminaError) -> RecordChunk? {
        guard var entity = source else { return nil }
        var buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(chunkSize, entity.carry.count * 2) + RecordChunk.padding,
            alignment: 64
        )
        var isHandedOver = false
        defer { if !isHandedOver { buffer.deallocate() } }
        buffer.copyBytes(from: entity.carry)
        var filled = entity.carry.count
        entity.carry.removeAll(keepingCapacity: true)
        var cut: Cut
        while true {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<buffer.count - RecordChunk.padding])
            if !room.isEmpty, !entity.isAtEnd {
                let count = try entity.source.readFully(into: room)
                entity.isAtEnd = count < room.count
                filled += count
            }
            cut = findCut(UnsafeRawBufferPointer(rebasing: buffer[..<filled]), entity)
            if cut.end > 0 || entity.isAtEnd { break }
            guard filled < Self.recordMax else {
                throw .invalidInput("A record of \(entity.uri ?? "the input") is longer than \(Self.recordMax) bytes")
            }
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: filled * 2 + RecordChunk.padding,
                alignment: 64
            )
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
            buffer.deallocate()
            buffer = larger
        }
        if entity.isAtEnd, cut.end == filled {
            source = nil
        } else {
            entity.carry.append(contentsOf: buffer[cut.end..<filled])
        }
        guard cut.end > 0 else {
            source = nil
            return nil
        }
        for place in cut.end..<cut.end + RecordChunk.padding { buffer[place] = 0x20 }
        var start = 0
        let skipped = try entity.header.take(UnsafeRawBufferPointer(rebasing: buffer[..<cut.end]), from: &start)
        let firstLine = entity.line + skipped
        entity.line += cut.lines
        defer { if source != nil { source = entity } }
        if start == cut.end { return nil }
        let chunk = RecordChunk(
            buffer,
            sequence: sequence,
            uri: entity.uri,
            entity: entity.number,
            indexInEntity: entity.chunks,
            start: start,
            length: cut.end,
            firstLine: firstLine,
            rowsMax: cut.records,
            columns: entity.header.columns
        )
        isHandedOver = true
        sequence += 1
        entity.chunks += 1
        return chunk
    }

    private struct Cut {
        /// End of the last whole record; 0 when there is none yet.
        var end: Int
        /// Lines before it, and no fewer than its records.
        var lines: Int
        var records: Int
    }

    private func findCut(_ bytes: UnsafeRawBufferPointer, _ entity: OpenEntity) -> Cut {
        if case .json(let json) = format.kind, json.isConcatenated {
            return documentCut(bytes, entity)
        }
        var end = bytes.count
        if !entity.isAtEnd {
            while end > 0, bytes[end - 1] != 0x0A { end -= 1 }
        }
        var lines = countLineEnds(bytes, until: end)
        if end > 0, bytes[end - 1] != 0x0A { lines += 1 }
        return Cut(end: end, lines: lines, records: lines)
    }

    private func documentCut(_ bytes: UnsafeRawBufferPointer, _ entity: OpenEntity) -> Cut {
        let found = scanDocuments(bytes)
        let end = entity.isAtEnd ? bytes.count : found.end
        let lines = countLineEnds(bytes, until: end)
        // What follows the last whole document at the end of the input may count as one more.
        return Cut(end: end, lines: lines, records: found.count + 1)
    }
}
