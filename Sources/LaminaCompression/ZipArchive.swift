import CZlib
package import LaminaBase

/// The files of a zip archive in memory (usually a mapping), by its central directory: how `index.zip` is read.
///
/// Names are checked when the archive is opened: no path separators, no `..`, no duplicates. Sizes are checked against what the
/// compressed bytes can hold before anybody allocates memory for them. The bytes must outlive the archive.
package struct ZipArchive {
    package struct Entry: Sendable {
        package let name: String
        /// Bytes when opened.
        package let size: Int
        let compressedSize: Int
        let isStored: Bool
        let crc: UInt32
        let dataAt: Int
    }

    /// In the order of the directory.
    package let entries: [Entry]
    private let bytes: UnsafeRawBufferPointer

    package init(_ bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        self.bytes = bytes
        let directory = try ZipDirectory(bytes)
        var entries: [Entry] = []
        var names = Set<String>()
        var place = directory.start
        for _ in 0..<directory.count {
            guard let header = try directory.header(at: &place) else { continue }
            guard names.insert(header.name).inserted else {
                throw .corrupt("two zip entries named \(header.name)", at: "byte \(place) of the archive")
            }
            entries.append(header)
        }
        self.entries = entries
    }

    package func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

    /// Opens an entry into a buffer of exactly its size, its checksum verified.
    package func extract(_ entry: Entry, into target: UnsafeMutableRawBufferPointer) throws(LaminaError) {
        precondition(target.count == entry.size, "the buffer has the size of the entry")
        let place = "zip entry \(entry.name)"
        let source = UnsafeRawBufferPointer(rebasing: bytes[entry.dataAt..<entry.dataAt + entry.compressedSize])
        if entry.isStored {
            if entry.size > 0 { target.copyMemory(from: source) }
        } else {
            try inflate(source, into: target, place: place)
        }
        var crc: UInt = 0
        var position = 0
        while position < target.count {
            let count = min(target.count - position, 1 << 30)
            crc = crc32(
                crc,
                target.baseAddress.map { ($0 + position).assumingMemoryBound(to: UInt8.self) },
                UInt32(count)
            )
            position += count
        }
        guard UInt32(truncatingIfNeeded: crc) == entry.crc else { throw .corrupt("a wrong checksum", at: place) }
    }

    private func inflate(
        _ source: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        place: String
    ) throws(LaminaError) {
        let inflater = try Inflater(windowBits: -15)
        var taken = 0
        var made = 0
        // One byte of room beyond the target tells too much data from just enough.
        var extra: UInt8 = 0
        while true {
            let left = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rebasing: source[taken...]))
            let step =
                made < target.count
                ? inflater.step(left, into: UnsafeMutableRawBufferPointer(rebasing: target[made...]))
                : withUnsafeMutableBytes(of: &extra) { inflater.step(left, into: $0) }
            taken += step.taken
            made += step.made
            if let problem = step.problem { throw .corrupt("deflated data that do not decode (\(problem))", at: place) }
            guard made <= target.count else { throw .corrupt("more data than the directory says", at: place) }
            if step.finished { break }
            if taken == source.count, step.made == 0 { throw .corrupt("deflated data that end early", at: place) }
        }
        guard made == target.count else { throw .corrupt("less data than the directory says", at: place) }
    }
}

/// Finds and walks the central directory.
private struct ZipDirectory {
    /// More than any segment has; bounds the work an invented count can cause.
    private static let entriesMax = 1 << 20
    /// Deflate cannot do better than this; a claim beyond it is a lie.
    private static let ratioMax = 1032

    let bytes: UnsafeRawBufferPointer
    private(set) var start: Int
    private(set) var count: Int

    init(_ bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        self.bytes = bytes
        start = 0
        count = 0
        guard let end = Self.findEnd(bytes) else { throw .corrupt("no zip directory", at: "the end of the archive") }
        var count = UInt64(u16(end + 10))
        var offset = UInt64(u32(end + 16))
        if count == 0xFFFF || offset == 0xFFFF_FFFF, end >= 20, u32(end - 20) == 0x0706_4B50 {
            let long = u64(end - 12)
            guard bytes.count >= 56, long <= UInt64(bytes.count - 56), u32(Int(long)) == 0x0606_4B50 else {
                throw .corrupt("a wrong zip64 record", at: "byte \(end - 20) of the archive")
            }
            count = u64(Int(long) + 32)
            offset = u64(Int(long) + 48)
        }
        guard offset <= UInt64(end), count <= UInt64(Self.entriesMax), count * 46 <= UInt64(end) - offset else {
            throw .corrupt("a zip directory outside of the archive", at: "byte \(end) of the archive")
        }
        start = Int(offset)
        self.count = Int(count)
    }

    /// The end record lies before a comment of up to 64 KiB.
    private static func findEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var place = bytes.count - 22
        let lowest = max(0, place - 65535)
        while place >= lowest {
            if UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)) == 0x0605_4B50 {
                return place
            }
            place -= 1
        }
        return nil
    }

    private func u16(_ place: Int) -> UInt16 {
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self))
    }
    private func u32(_ place: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }
    private func u64(_ place: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }

    /// The entry whose header is at `place`, which moves on; nil for a directory.
    func header(at place: inout Int) throws(LaminaError) -> ZipArchive.Entry? {
        let at = "byte \(place) of the archive"
        guard bytes.count - place >= 46, u32(place) == 0x0201_4B50 else { throw .corrupt("not a zip entry", at: at) }
        let method = u16(place + 10)
        let nameCount = Int(u16(place + 28))
        let extraCount = Int(u16(place + 30))
        let total = 46 + nameCount + extraCount + Int(u16(place + 32))
        guard bytes.count - place >= total else { throw .corrupt("a zip entry that ends early", at: at) }
        let nameBytes = bytes[place + 46..<place + 46 + nameCount]
        guard let name = String(validating: nameBytes, as: UTF8.self) else {
            throw .corrupt("a zip entry's name that is not UTF-8", at: at)
        }
        var compressedSize = UInt64(u32(place + 20))
        var size = UInt64(u32(place + 24))
        var offset = UInt64(u32(place + 42))
        let extra = UnsafeRawBufferPointer(
            rebasing: bytes[place + 46 + nameCount..<place + 46 + nameCount + extraCount]
        )
        _ = ZipExtra.apply(extra, size: &size, compressedSize: &compressedSize, offset: &offset)
        let flags = u16(place + 8)
        let crc = u32(place + 16)
        place += total
        if name.hasSuffix("/"), size == 0 { return nil }
        try check(name, at: at)
        guard flags & 1 == 0 else { throw .unsupported("the encrypted zip entry \(name)") }
        guard method == 0 || method == 8 else {
            throw .unsupported("compression method \(method) of zip entry \(name)")
        }
        let dataAt = try data(of: name, at: offset)
        guard compressedSize <= UInt64(bytes.count - dataAt),
            method == 0 ? size == compressedSize : size <= compressedSize * UInt64(Self.ratioMax) + 64
        else { throw .corrupt("wrong sizes of zip entry \(name)", at: at) }
        return ZipArchive.Entry(
            name: name,
            size: Int(size),
            compressedSize: Int(compressedSize),
            isStored: method == 0,
            crc: crc,
            dataAt: dataAt
        )
    }

    private func check(_ name: String, at place: String) throws(LaminaError) {
        let isBad =
            name.isEmpty || name == "." || name.contains("..")
            || name.utf8.contains { $0 == 0x2F || $0 == 0x5C || $0 == 0 }
        if isBad {
            throw .corrupt("a zip entry named \(name.debugDescription), which is no plain file name", at: place)
        }
    }

    /// Where the entry's data begin, by its local header.
    private func data(of name: String, at offset: UInt64) throws(LaminaError) -> Int {
        guard bytes.count >= 30, offset <= UInt64(bytes.count - 30), u32(Int(offset)) == 0x0403_4B50 else {
            throw .corrupt("a wrong offset of zip entry \(name)", at: "byte \(offset) of the archive")
        }
        let start = Int(offset) + 30 + Int(u16(Int(offset) + 26)) + Int(u16(Int(offset) + 28))
        guard start <= bytes.count else {
            throw .corrupt("zip entry \(name) ends early", at: "byte \(offset) of the archive")
        }
        return start
    }
}
