package import LaminaBase

/// The bytes of Apache DataSketches: serial version 3, compact and ordered, as Druid stores them. All little-endian.
///
/// ```
/// preamble longs (1 empty, 2) · serial version 3 · family 8 · flags · k u16 · 0 u16
/// count u64 · min f64 · max f64 · base buffer, sorted · levels in use, from the lowest, k items each
/// ```
///
/// - Source: `DoublesByteArrayImpl`, `HeapUpdateDoublesSketch.heapifyInstance`.
extension QuantilesSketch {
    private static let family: UInt8 = 8
    private static let readOnly: UInt8 = 2
    private static let emptyFlag: UInt8 = 4
    private static let compact: UInt8 = 8
    private static let ordered: UInt8 = 16

    var compactSize: Int { isEmpty ? 8 : 32 + 8 * retained }

    var updatableSize: Int {
        if isEmpty { return 8 }
        if count <= UInt64(k) { return 32 + 8 * max(Int(count).roundedUpToPowerOfTwo, 4) }
        return 32 + 8 * (2 + levelsNeeded) * k
    }

    var levelsNeeded: Int { 64 - bitPattern.leadingZeroBitCount }

    /// The bytes in Druid's form.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(compactSize)
        let flags = Self.compact | Self.ordered | Self.readOnly | (isEmpty ? Self.emptyFlag : 0)
        bytes += [isEmpty ? 1 : 2, 3, Self.family, flags]
        bytes.append(little: UInt32(k))
        if isEmpty { return bytes }
        bytes.append(little: count)
        bytes.append(little: minimum.bitPattern)
        bytes.append(little: maximum.bitPattern)
        var sorted = base
        sortAsJava(&sorted)
        for item in sorted { bytes.append(little: item.bitPattern) }
        for level in levels { for item in level { bytes.append(little: item.bitPattern) } }
        return bytes
    }

    /// Reads serial versions 1 to 3, compact or updatable. Errors: bytes that do not decode.
    package init(bytes: [UInt8]) throws(LaminaError) {
        var reader = ByteReader(bytes, "quantiles sketch")
        let preambleLongs = try reader.little(UInt8.self)
        let version = try reader.little(UInt8.self)
        guard try reader.little(UInt8.self) == Self.family else { throw reader.corrupt("another family of sketches") }
        let flags = try reader.little(UInt8.self)
        try self.init(k: Int(try reader.little(UInt16.self)))
        try reader.skip(2)
        guard (1...3).contains(version) else { throw reader.corrupt("serial version \(version)") }
        guard flags & ~(Self.readOnly | Self.emptyFlag | Self.compact | Self.ordered) == 0 else {
            throw reader.corrupt("unknown flags \(flags)")
        }
        if flags & Self.emptyFlag != 0 { return }
        guard preambleLongs == (version == 1 ? 5 : 2) else { throw reader.corrupt("\(preambleLongs) preamble longs") }
        count = try reader.little(UInt64.self)
        guard count > 0, count < Self.maxCount else { throw reader.corrupt("\(count) items") }
        minimum = Double(bitPattern: try reader.little(UInt64.self))
        maximum = Double(bitPattern: try reader.little(UInt64.self))
        if version == 1 { try reader.skip(8) }
        try readItems(&reader, isCompact: version == 2 || flags & (Self.compact | Self.readOnly) != 0)
    }

    private mutating func readItems(_ reader: inout ByteReader, isCompact: Bool) throws(LaminaError) {
        let baseCount = Int(count % UInt64(2 * k))
        base = try Self.items(&reader, baseCount)
        if bitPattern == 0 { return }
        if !isCompact { try reader.skip(8 * (2 * k - baseCount)) }
        for level in 0..<levelsNeeded {
            let isUsed = bitPattern >> UInt64(level) & 1 != 0
            if !isUsed, !isCompact { try reader.skip(8 * k) }
            levels.append(isUsed ? try Self.items(&reader, k) : [])
        }
    }

    private static func items(_ reader: inout ByteReader, _ count: Int) throws(LaminaError) -> [Double] {
        guard count <= reader.remaining / 8 else { throw reader.corrupt("too few bytes") }
        var items: [Double] = []
        items.reserveCapacity(count)
        for _ in 0..<count {
            let item = Double(bitPattern: try reader.little(UInt64.self))
            guard !item.isNaN else { throw reader.corrupt("an item that is no number") }
            items.append(item)
        }
        return items
    }
}

extension Int {
    /// The least power of two that is not less; 1 for none.
    var roundedUpToPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
