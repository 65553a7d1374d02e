package import LaminaBase

/// What the two kinds of KLL sketches store: 8-byte or 4-byte numbers.
package protocol KLLItem: BinaryFloatingPoint, Sendable {
    static var size: Int { get }
    /// As it stands in class names of Apache DataSketches.
    static var sketchName: String { get }
    var javaText: String { get }
    init(bits: UInt64)
    func append(to bytes: inout [UInt8])
}

extension Double: KLLItem {
    package static var size: Int { 8 }
    package static var sketchName: String { "DoublesSketch" }
    package var javaText: String { LaminaBase.javaText(self) }
    package init(bits: UInt64) { self.init(bitPattern: bits) }
    package func append(to bytes: inout [UInt8]) { bytes.append(little: bitPattern) }
}

extension Float: KLLItem {
    package static var size: Int { 4 }
    package static var sketchName: String { "FloatsSketch" }
    package var javaText: String { LaminaBase.javaText(self) }
    package init(bits: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: bits)) }
    package func append(to bytes: inout [UInt8]) { bytes.append(little: bitPattern) }
}

/// The bytes of Apache DataSketches, little-endian; Druid stores the compact forms.
///
/// ```
/// preamble ints (5; 2 empty or single) · serial version (1; 2 single; 3 updatable) · family 15 · flags · k u16 · m u8 · 0
/// single: the item
/// else: count u64 · minK u16 · number of levels u8 · 0 · starts of the levels i32 (updatable: and the end) · min · max
///       · items (updatable: also the free places before them)
/// ```
///
/// - Source: `KllHelper.toByteArray`, `KllMemoryValidate`, `KllHeapDoublesSketch`.
extension KLLSketch where Item: KLLItem {
    private static var family: UInt8 { 15 }
    private static var emptyFlag: UInt8 { 1 }
    private static var singleFlag: UInt8 { 4 }

    var compactSize: Int {
        if isEmpty { return 8 }
        if count == 1 { return 8 + Item.size }
        return 20 + 4 * levels.count + (2 + retained) * Item.size
    }

    var updatableSize: Int { 20 + 4 * (levels.count + 1) + (2 + capacity) * Item.size }

    /// The bytes in Druid's form.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(compactSize)
        let isShort = count <= 1
        let flags = (isEmpty ? Self.emptyFlag : 0) | (count == 1 ? Self.singleFlag : 0)
        bytes += [isShort ? 2 : 5, count == 1 ? 2 : 1, Self.family, flags]
        bytes.append(little: UInt16(k))
        bytes += [UInt8(m), 0]
        if isShort {
            if count == 1 { minimum.append(to: &bytes) }
            return bytes
        }
        bytes.append(little: count)
        bytes.append(little: UInt16(minK))
        bytes += [UInt8(levels.count), 0]
        var start = capacity - retained
        for level in levels {
            bytes.append(little: Int32(start))
            start += level.count
        }
        minimum.append(to: &bytes)
        maximum.append(to: &bytes)
        for item in levels[0].reversed() { item.append(to: &bytes) }
        for level in levels.dropFirst() { for item in level { item.append(to: &bytes) } }
        return bytes
    }

    /// Reads all forms. Errors: bytes that do not decode.
    package init(bytes: [UInt8]) throws(LaminaError) {
        var reader = ByteReader(bytes, "KLL sketch")
        let preambleInts = try reader.little(UInt8.self)
        let version = try reader.little(UInt8.self)
        guard try reader.little(UInt8.self) == Self.family else { throw reader.corrupt("another family of sketches") }
        let flags = try reader.little(UInt8.self)
        let k = Int(try reader.little(UInt16.self))
        try self.init(k: k, m: Int(try reader.little(UInt8.self)))
        try reader.skip(1)
        switch (preambleInts, version, flags & Self.emptyFlag != 0) {
        case (2, 1, true): return
        case (2, 2, false): update(item: try Self.item(&reader))
        case (5, 1, false): try readFull(&reader, isUpdatable: false)
        case (5, 3, _): try readFull(&reader, isUpdatable: true)
        default: throw reader.corrupt("\(preambleInts) preamble ints and serial version \(version)")
        }
    }

    private mutating func readFull(_ reader: inout ByteReader, isUpdatable: Bool) throws(LaminaError) {
        count = try reader.little(UInt64.self)
        minK = Int(try reader.little(UInt16.self))
        let levelCount = Int(try reader.little(UInt8.self))
        guard (1...60).contains(levelCount) else { throw reader.corrupt("\(levelCount) levels") }
        try reader.skip(1)
        capacity = kllTotalCapacity(k: k, m: m, levels: levelCount)
        var starts: [Int] = []
        for _ in 0..<levelCount { starts.append(Int(try reader.little(Int32.self))) }
        let end = isUpdatable ? Int(try reader.little(Int32.self)) : capacity
        guard end == capacity else { throw reader.corrupt("a capacity of \(end) items") }
        starts.append(end)
        minimum = Item(bits: try Self.bits(&reader))
        maximum = Item(bits: try Self.bits(&reader))
        if isUpdatable { try reader.skip(max(starts[0], 0) * Item.size) }
        levels = []
        var weights: UInt64 = 0
        for level in 0..<levelCount {
            let size = starts[level + 1] - starts[level]
            guard starts[level] >= 0, size >= 0, size <= reader.remaining / Item.size else {
                throw reader.corrupt("levels from \(starts[level]) to \(starts[level + 1])")
            }
            var items: [Item] = []
            items.reserveCapacity(size)
            for _ in 0..<size { items.append(try Self.item(&reader)) }
            let (weight, isTooBig) = UInt64(size).multipliedReportingOverflow(by: UInt64(1) << UInt64(level))
            let (sum, overflows) = weights.addingReportingOverflow(weight)
            guard !isTooBig, !overflows else { throw reader.corrupt("more items than can be counted") }
            weights = sum
            levels.append(level == 0 ? items.reversed() : items)
            retained += size
        }
        guard weights == count, count < kllMaxCount else {
            throw reader.corrupt("\(count) items, of which \(weights) are there")
        }
        guard minK >= m, minK <= k || isEmpty else { throw reader.corrupt("a least k of \(minK)") }
        if isEmpty {
            minimum = .nan
            maximum = .nan
        }
    }

    private static func bits(_ reader: inout ByteReader) throws(LaminaError) -> UInt64 {
        Item.size == 8 ? try reader.little(UInt64.self) : UInt64(try reader.little(UInt32.self))
    }

    private static func item(_ reader: inout ByteReader) throws(LaminaError) -> Item {
        let item = Item(bits: try bits(&reader))
        guard !item.isNaN else { throw reader.corrupt("an item that is no number") }
        return item
    }
}
