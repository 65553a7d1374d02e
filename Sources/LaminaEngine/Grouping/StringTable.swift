import LaminaBase

/// A text in memory that does not move, with its first eight bytes as a number that orders as they do.
struct TextEntry {
    let prefix: UInt64
    let start: UnsafePointer<UInt8>
    let count: Int

    /// - Shape: eight bytes from `start` on may be read, whatever `count`.
    @inline(__always)
    init(padded start: UnsafePointer<UInt8>, count: Int) {
        self.start = start
        self.count = count
        prefix = textPrefix(padded: start, count: count)
    }

    /// A text behind which nothing may be read.
    @inline(__always)
    init(bounded text: UnsafeRawBufferPointer) {
        start = text.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? emptyText
        count = text.count
        prefix = textPrefix(bounded: text)
    }

    /// Negative, zero or positive, in the order of `String.compareTo`.
    @inline(__always)
    func compare(_ other: TextEntry) -> Int {
        if prefix != other.prefix { return prefix < other.prefix ? -1 : 1 }
        if count <= 8, other.count <= 8 { return count < other.count ? -1 : count == other.count ? 0 : 1 }
        return compareBytesUTF16(
            UnsafeBufferPointer(start: start, count: count),
            UnsafeBufferPointer(start: other.start, count: other.count)
        )
    }
}

/// The first eight bytes, the first one highest, missing ones 0; bytes mapped so that they order as UTF-16 units do.
@inline(__always)
private func textPrefix(padded start: UnsafePointer<UInt8>, count: Int) -> UInt64 {
    if count == 0 { return 0 }
    var word = UInt64(bigEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
    if count < 8 { word &= ~0 &<< UInt64(truncatingIfNeeded: 64 &- count &* 8) }
    return word & 0x8080_8080_8080_8080 == 0 ? word : rankedPrefix(word)
}

/// The same, from loads that stay inside the text.
@inline(__always)
private func textPrefix(bounded text: UnsafeRawBufferPointer) -> UInt64 {
    guard let base = text.baseAddress, text.count > 0 else { return 0 }
    if text.count >= 8 { return textPrefix(padded: base.assumingMemoryBound(to: UInt8.self), count: text.count) }
    var word: UInt64
    if text.count >= 4 {
        // Two loads that overlap: the first four bytes, and the last four moved to where they belong.
        let first = UInt64(UInt32(bigEndian: base.loadUnaligned(as: UInt32.self)))
        let last = UInt64(UInt32(bigEndian: (base + (text.count &- 4)).loadUnaligned(as: UInt32.self)))
        word = first &<< 32 | (last << UInt64(truncatingIfNeeded: 8 &* (8 &- text.count))) & 0xFFFF_FFFF
    } else {
        word = 0
        for index in 0..<text.count { word |= UInt64(text[index]) &<< UInt64(truncatingIfNeeded: 56 &- 8 &* index) }
    }
    return word & 0x8080_8080_8080_8080 == 0 ? word : rankedPrefix(word)
}

/// Where entries without bytes point.
// Safety: one byte that is never written after it was made and never freed.
nonisolated(unsafe) private let emptyText: UnsafePointer<UInt8> = {
    let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
    byte.initialize(to: 0)
    return UnsafePointer(byte)
}()

private func rankedPrefix(_ word: UInt64) -> UInt64 {
    var ranked: UInt64 = 0
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
        ranked |= UInt64(utf16Rank(UInt8(truncatingIfNeeded: word >> shift))) << shift
    }
    return ranked
}

/// Memory for texts, taken in pieces that never move.
// Sendable: only its builder writes it, before any table that holds it is shared.
private final class TextArena: @unchecked Sendable {
    private var pieces: [UnsafeMutablePointer<UInt8>] = []
    private var next: UnsafeMutablePointer<UInt8>?
    private var left = 0
    private var pieceBytes = 4096
    private(set) var byteCount = 0

    deinit { for piece in pieces { piece.deallocate() } }

    /// Copies a text; eight bytes behind it may be read.
    @inline(__always)
    func copy(_ text: UnsafeBufferPointer<UInt8>) -> UnsafePointer<UInt8> {
        if left < text.count &+ 8 { makeRoom(text.count &+ 8) }
        guard let place = next else { preconditionFailure("an arena without memory") }
        if let base = text.baseAddress { place.update(from: base, count: text.count) }
        next = place + text.count
        left &-= text.count
        return UnsafePointer(place)
    }

    private func makeRoom(_ count: Int) {
        let size = max(pieceBytes, count)
        let piece = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        piece.initialize(repeating: 0, count: size)
        pieces.append(piece)
        next = piece
        left = size
        byteCount += size
        pieceBytes = min(pieceBytes * 4, 1 << 20)
    }
}

/// Many texts as entries in memory that does not move; entry 0 stands for null. Never changes after it was built.
// Sendable: all fields are let and nothing is written after init.
package final class StringTable: @unchecked Sendable {
    /// Entries 1 and up; entry 0 is not among them.
    let entries: [TextEntry]
    /// What keeps the entries' memory alive.
    private let owners: [AnyObject]

    /// Number of entries, null's included.
    package var count: Int { entries.count + 1 }

    /// Roughly the bytes held: entries, and texts that were copied.
    let byteCount: Int

    fileprivate init(_ entries: [TextEntry], owners: [AnyObject]) {
        self.entries = entries
        self.owners = owners
        byteCount =
            entries.count * MemoryLayout<TextEntry>.stride
            + owners.reduce(0) { bytes, owner in
                switch owner {
                case let arena as TextArena: bytes + arena.byteCount
                case let table as StringTable: bytes + table.byteCount
                default: bytes
                }
            }
    }

    /// A table over texts that lie still as long as `owner` lives: nothing is copied.
    ///
    /// - Parameters:
    ///   - ids: which of the texts, in ascending order of their values.
    ///   - texts: by id.
    convenience init(
        _ ids: [UInt32],
        of texts: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>,
        owner: AnyObject
    ) {
        let entries = [TextEntry](unsafeUninitializedCapacity: ids.count) { entries, count in
            ids.withUnsafeBufferPointer { ids in
                for place in ids.indices {
                    entries.initializeElement(at: place, to: TextEntry(bounded: texts[Int(ids[place])]))
                }
            }
            count = ids.count
        }
        self.init(entries, owners: [owner])
    }

    /// A table of entries that other tables hold.
    convenience init(_ entries: [TextEntry], of tables: [StringTable]) { self.init(entries, owners: tables) }

    func utf8(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        if index == 0 { return UnsafeBufferPointer(start: nil, count: 0) }
        let entry = entries[index - 1]
        return UnsafeBufferPointer(start: entry.start, count: entry.count)
    }

    /// The text of an entry; nil for entry 0.
    package func text(_ index: Int) -> String? {
        index == 0 ? nil : String(decoding: utf8(index), as: UTF8.self)
    }
}

/// Builds a string table entry by entry.
struct StringTableBuilder {
    private let arena = TextArena()
    private var entries: [TextEntry] = []

    init(capacity: Int = 0) { entries.reserveCapacity(capacity) }

    mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        entries.append(TextEntry(padded: arena.copy(text), count: text.count))
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    func finish() -> StringTable { StringTable(entries, owners: [arena]) }
}
