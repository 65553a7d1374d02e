import LaminaBase
import LaminaCompression

/// Cuts the entities of an input into chunks of whole records, in order. Used under a lock.
struct ChunkReader: ~Copyable {
    /// Text of one chunk; longer records make longer chunks.
    private static let chunkSize = 512 << 10
    /// A record longer than this is refused.
    private static let recordMax = 1 << 30

    private let entities: [InputEntity]
    private let format: InputFormat
    private var nextEntity = 0
    private var source: OpenEntity?
    private var sequence = 0
    private var failure: LaminaError?

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
        var documents = DocumentCutter()
    }

    init(entities: [InputEntity], format: InputFormat) {
        self.entities = entities
        self.format = format
    }

    /// The next chunk; nil at the end. After an error, always that error.
    mutating func next() throws(LaminaError) -> sending RecordChunk? {
        if let failure { throw failure }
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
            byteCount: max(Self.chunkSize, entity.carry.count * 2) + RecordChunk.padding,
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
            cut = findCut(UnsafeRawBufferPointer(rebasing: buffer[..<filled]), &entity)
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

    private func findCut(_ bytes: UnsafeRawBufferPointer, _ entity: inout OpenEntity) -> Cut {
        if case .json(let json) = format.kind, json.isConcatenated {
            return documentCut(bytes, &entity)
        }
        var end = bytes.count
        if !entity.isAtEnd {
            while end > 0, bytes[end - 1] != 0x0A { end -= 1 }
        }
        var lines = 0
        for byte in UnsafeRawBufferPointer(rebasing: bytes[..<end]) where byte == 0x0A { lines &+= 1 }
        if end > 0, bytes[end - 1] != 0x0A { lines += 1 }
        return Cut(end: end, lines: lines, records: lines)
    }

    private func documentCut(_ bytes: UnsafeRawBufferPointer, _ entity: inout OpenEntity) -> Cut {
        entity.documents = DocumentCutter()
        let found = entity.documents.scan(bytes)
        let end = entity.isAtEnd ? bytes.count : found.end
        var lines = 0
        for byte in UnsafeRawBufferPointer(rebasing: bytes[..<end]) where byte == 0x0A { lines += 1 }
        // What follows the last whole document at the end of the input may count as one more.
        return Cut(end: end, lines: lines, records: found.count + 1)
    }
}

/// Takes the header lines off the beginning of an entity.
struct HeaderReader {
    private var linesToSkip: Int
    private var needsColumns: Bool
    private let format: InputFormat
    private(set) var columns: [String]?

    init(_ format: InputFormat) {
        self.format = format
        linesToSkip = 0
        needsColumns = false
        if case .delimited(let delimited) = format.kind {
            linesToSkip = delimited.skipHeaderRows
            needsColumns = delimited.findColumnsFromHeader
            columns = delimited.findColumnsFromHeader ? nil : delimited.columns
        }
    }

    /// Moves `start` behind the header lines in the text; answers how many lines those are.
    mutating func take(_ bytes: UnsafeRawBufferPointer, from start: inout Int) throws(LaminaError) -> Int {
        var lines = 0
        while linesToSkip > 0 || needsColumns, start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            let next = min(end + 1, bytes.count)
            if linesToSkip > 0 {
                linesToSkip -= 1
            } else if case .delimited(let delimited) = format.kind {
                if end > start, end < bytes.count, bytes[end - 1] == 0x0D { end -= 1 }
                columns = try delimited.header(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                needsColumns = false
            }
            start = next
            lines += 1
        }
        return lines
    }
}

/// Finds where concatenated JSON documents end.
struct DocumentCutter {
    /// The end of the last whole object or array, and how many there are. Bytes outside of any belong to the next.
    func scan(_ bytes: UnsafeRawBufferPointer) -> (end: Int, count: Int) {
        var depth = 0
        var isInString = false
        var end = 0
        var count = 0
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            if isInString {
                if byte == UInt8(ascii: "\\") {
                    place += 1
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if depth <= 0 {
                        depth = 0
                        end = place + 1
                        count += 1
                    }
                default: break
                }
            }
            place += 1
        }
        return (end, count)
    }
}
