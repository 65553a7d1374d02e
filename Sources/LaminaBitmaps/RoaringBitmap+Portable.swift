package import LaminaBase

/// The portable 32-bit format, as Druid stores it.
///
/// Source: RoaringFormatSpec; `RoaringBitmapSerdeFactory` of Druid (zero bytes for the empty set, run-optimised before writing).
extension RoaringBitmap {
    private static let cookieWithoutRuns: UInt32 = 12346
    private static let cookieWithRuns: UInt32 = 12347
    /// With fewer containers than this, a bitmap with runs has no table of offsets.
    private static let offsetContainersMin = 4

    /// Reads the portable format; no bytes are the empty set.
    ///
    /// Everything is checked: order of keys and values, counts, offsets, and that the bytes end where the set ends. Errors name
    /// the byte within the bitmap.
    package init(serialized bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        self.init()
        if bytes.isEmpty { return }
        var reader = LittleEndianReader(bytes)
        let cookie = try reader.u32()
        var runFlagsAt = -1
        let count: Int
        if cookie & 0xFFFF == Self.cookieWithRuns {
            count = Int(cookie >> 16) + 1
            runFlagsAt = reader.position
            try reader.skip((count + 7) / 8)
        } else if cookie == Self.cookieWithoutRuns {
            let stored = try reader.u32()
            guard stored <= 65536 else {
                throw .corrupt("a Roaring bitmap of \(stored) containers", at: "byte 4 of the bitmap")
            }
            count = Int(stored)
        } else {
            throw .corrupt("not a Roaring bitmap (cookie \(cookie))", at: "byte 0 of the bitmap")
        }
        let headersAt = reader.position
        try reader.skip(count * 4)
        var offsetsAt = -1
        if runFlagsAt < 0 || count >= Self.offsetContainersMin {
            offsetsAt = reader.position
            try reader.skip(count * 4)
        }
        keys.reserveCapacity(count)
        containers.reserveCapacity(count)
        for index in 0..<count {
            let key = reader.u16(at: headersAt + index * 4)
            if let last = keys.last, last >= key {
                throw .corrupt("Roaring containers out of order", at: "byte \(headersAt + index * 4) of the bitmap")
            }
            if offsetsAt >= 0, Int(reader.u32(at: offsetsAt + index * 4)) != reader.position {
                throw .corrupt("a wrong container offset", at: "byte \(offsetsAt + index * 4) of the bitmap")
            }
            let cardinality = Int(reader.u16(at: headersAt + index * 4 + 2)) + 1
            let isRun = runFlagsAt >= 0 && reader.bytes[runFlagsAt + index / 8] >> (index % 8) & 1 == 1
            let container: Container
            if isRun {
                container = try reader.runContainer(cardinality: cardinality)
            } else if cardinality <= Container.arrayMax {
                container = try reader.arrayContainer(cardinality: cardinality)
            } else {
                container = try reader.bitsetContainer(cardinality: cardinality)
            }
            append(key: key, container)
        }
        guard reader.position == bytes.count else {
            throw .corrupt(
                "\(bytes.count - reader.position) bytes after a Roaring bitmap",
                at: "byte \(reader.position) of the bitmap"
            )
        }
    }

    /// The bytes Druid writes for this set: run-optimised, each chunk in its smallest shape; no bytes for the empty set.
    package func serialized() -> [UInt8] {
        if isEmpty { return [] }
        let runs = containers.map { Self.storedRuns(of: $0) }
        let hasRuns = runs.contains { $0 != nil }
        var bytes: [UInt8] = []
        if hasRuns {
            bytes.appendLittleEndian(Self.cookieWithRuns | UInt32(keys.count - 1) << 16)
            var flags = [UInt8](repeating: 0, count: (keys.count + 7) / 8)
            for (index, pairs) in runs.enumerated() where pairs != nil { flags[index / 8] |= 1 << UInt8(index % 8) }
            bytes += flags
        } else {
            bytes.appendLittleEndian(Self.cookieWithoutRuns)
            bytes.appendLittleEndian(UInt32(keys.count))
        }
        for (key, container) in zip(keys, containers) {
            bytes.appendLittleEndian(key)
            bytes.appendLittleEndian(UInt16(container.cardinality - 1))
        }
        if !hasRuns || keys.count >= Self.offsetContainersMin {
            var offset = bytes.count + keys.count * 4
            for (container, pairs) in zip(containers, runs) {
                bytes.appendLittleEndian(UInt32(offset))
                offset += Self.storedSize(of: container, runs: pairs)
            }
        }
        for (container, pairs) in zip(containers, runs) {
            if let pairs {
                bytes.appendLittleEndian(UInt16(pairs.count / 2))
                bytes.appendLittleEndian(pairs)
            } else if container.cardinality <= Container.arrayMax {
                bytes.appendLittleEndian(container.rows())
            } else {
                for word in container.denseWords() { bytes.appendLittleEndian(word) }
            }
        }
        return bytes
    }

    /// The runs to store a container as, or nil when an array or bitset is not larger.
    private static func storedRuns(of container: Container) -> [UInt16]? {
        let otherwise =
            container.cardinality <= Container.arrayMax ? container.cardinality * 2 : Container.wordCount * 8
        return otherwise > 2 + container.runCount * 4 ? container.runs() : nil
    }

    private static func storedSize(of container: Container, runs: [UInt16]?) -> Int {
        if let runs { return 2 + runs.count * 2 }
        return container.cardinality <= Container.arrayMax ? container.cardinality * 2 : Container.wordCount * 8
    }
}

/// Bounds-checked reading of little-endian numbers.
private struct LittleEndianReader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private func ended() -> LaminaError {
        .corrupt("a Roaring bitmap that ends early", at: "byte \(bytes.count) of the bitmap")
    }

    mutating func skip(_ count: Int) throws(LaminaError) {
        guard bytes.count - position >= count else { throw ended() }
        position += count
    }

    mutating func u32() throws(LaminaError) -> UInt32 {
        try skip(4)
        return u32(at: position - 4)
    }

    /// Only for places already skipped over.
    func u16(at place: Int) -> UInt16 {
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self))
    }

    func u32(at place: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }

    private mutating func u16s(_ count: Int) throws(LaminaError) -> [UInt16] {
        try skip(count * 2)
        let start = position - count * 2
        return [UInt16](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer[index] = u16(at: start + index * 2) }
            initialized = count
        }
    }

    mutating func arrayContainer(cardinality: Int) throws(LaminaError) -> Container {
        let start = position
        let values = try u16s(cardinality)
        for index in 1..<cardinality where values[index] <= values[index - 1] {
            throw .corrupt("Roaring values out of order", at: "byte \(start + index * 2) of the bitmap")
        }
        return Container(array: values)
    }

    mutating func bitsetContainer(cardinality: Int) throws(LaminaError) -> Container {
        let start = position
        try skip(Container.wordCount * 8)
        let words = [UInt64](unsafeUninitializedCapacity: Container.wordCount) { buffer, initialized in
            for index in 0..<Container.wordCount {
                buffer[index] = UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self)
                )
            }
            initialized = Container.wordCount
        }
        var count = 0
        for word in words { count &+= word.nonzeroBitCount }
        guard count == cardinality else {
            throw .corrupt(
                "a Roaring bitset of \(count) rows that claims \(cardinality)",
                at: "byte \(start) of the bitmap"
            )
        }
        return Container(words: words, cardinality: cardinality)
    }

    mutating func runContainer(cardinality: Int) throws(LaminaError) -> Container {
        let start = position
        try skip(2)
        let count = Int(u16(at: start))
        let pairs = try u16s(count * 2)
        var rows = 0
        var last = -1
        for index in 0..<count {
            let first = Int(pairs[index * 2])
            let end = first + Int(pairs[index * 2 + 1])
            guard first > last, end < Container.rowCount else {
                throw .corrupt("Roaring runs out of order", at: "byte \(start + 2 + index * 4) of the bitmap")
            }
            rows += end - first + 1
            last = end
        }
        guard rows == cardinality else {
            throw .corrupt("Roaring runs of \(rows) rows that claim \(cardinality)", at: "byte \(start) of the bitmap")
        }
        return Container(runs: pairs, cardinality: cardinality)
    }
}

extension [UInt8] {
    fileprivate mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func appendLittleEndian(_ values: [UInt16]) {
        for value in values {
            append(UInt8(truncatingIfNeeded: value))
            append(UInt8(truncatingIfNeeded: value >> 8))
        }
    }
}
