import CSimdJSON
import LaminaBase

/// A piece of one entity that ends where a record ends, with its place in the input. Handed from the reading side to one
/// parsing thread, which then owns it.
final class RecordChunk: @unchecked Sendable {
    /// Readable bytes behind the text, for parsers that read in words.
    static let padding = 64

    /// Over all entities.
    let sequence: Int
    let uri: String?
    /// Over the entities: which one this chunk is of.
    let entity: Int
    /// Inside the entity, from 0: chunks of one entity are counted in order.
    let indexInEntity: Int
    /// First byte of the first record (behind any header) and end of the text.
    private(set) var start: Int
    private(set) var length: Int
    /// Number of the first line, from 1.
    let firstLine: Int
    /// No more rows than this.
    let rowsMax: Int
    /// Columns of a header, where the format has one.
    let columns: [String]?
    /// What the chunk stands for, header included.
    let inputBytes: Int
    private(set) var bytes: UnsafeMutableRawBufferPointer
    private var isReleased = false

    init(
        _ bytes: UnsafeMutableRawBufferPointer,
        sequence: Int,
        uri: String?,
        entity: Int,
        indexInEntity: Int,
        start: Int,
        length: Int,
        firstLine: Int,
        rowsMax: Int,
        columns: [String]?
    ) {
        self.bytes = bytes
        self.sequence = sequence
        self.uri = uri
        self.entity = entity
        self.indexInEntity = indexInEntity
        self.start = start
        self.length = length
        self.firstLine = firstLine
        self.rowsMax = rowsMax
        self.columns = columns
        inputBytes = length
    }

    deinit { if !isReleased { bytes.deallocate() } }

    var base: UnsafeMutablePointer<UInt8> {
        // The buffer has padding, so it is never empty.
        guard let address = bytes.baseAddress else { preconditionFailure("a chunk has memory") }
        return address.assumingMemoryBound(to: UInt8.self)
    }

    /// A record's text for messages, cut when it is very long.
    func text(start: Int, length: Int) -> String {
        let longest = 8192
        let shown = String(decoding: bytes[start..<start + min(length, longest)], as: UTF8.self)
        return length > longest ? shown + "…" : shown
    }

    /// Replaces bytes that are no UTF-8 by U+FFFD, as Java's decoder does. Line ends stay.
    func repairUTF8() {
        if lamina_utf8_is_valid(base + start, length - start) != 0 { return }
        let text = String(decoding: bytes[start..<length], as: UTF8.self)
        let count = text.utf8.count
        let repaired = UnsafeMutableRawBufferPointer.allocate(byteCount: count + Self.padding, alignment: 64)
        repaired.copyBytes(from: text.utf8)
        for place in count..<repaired.count { repaired[place] = 0x20 }
        bytes.deallocate()
        bytes = repaired
        start = 0
        length = count
    }

    /// Gives the memory away, with more bytes behind the text if need be.
    func release(appending extra: [UInt8]) -> UnsafeRawBufferPointer {
        isReleased = true
        if extra.isEmpty { return UnsafeRawBufferPointer(bytes) }
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: length + extra.count, alignment: 16)
        whole.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        UnsafeMutableRawBufferPointer(rebasing: whole[length...]).copyBytes(from: extra)
        bytes.deallocate()
        return UnsafeRawBufferPointer(whole)
    }
}
