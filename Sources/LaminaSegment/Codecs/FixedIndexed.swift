import LaminaBase

/// A dictionary of fixed-width values, null first when present. Sendable: read-only memory.
///
/// Source: `segment.data.FixedIndexed`. `count` includes null, so that `index` is the dictionary id.
struct FixedIndexed: @unchecked Sendable {
    let count: Int
    let hasNull: Bool
    let isSorted: Bool
    private let values: MappedBytes
    private let order: ByteOrder

    /// - Parameter allowsNull: whether id 0 may be null.
    init(_ cursor: inout ByteCursor, width: Int, order: ByteOrder, allowsNull: Bool) throws(LaminaError) {
        let version = try cursor.u8()
        guard version == 0 else { throw cursor.corrupt("unknown fixed-width list version \(version)") }
        let flags = try cursor.u8()
        hasNull = flags & 1 != 0
        isSorted = flags & 2 != 0
        guard flags <= 3, !hasNull || isSorted && allowsNull else {
            throw cursor.corrupt("a fixed-width list's flags are \(flags)")
        }
        let stored = try cursor.count("a fixed-width list's count", order)
        values = try cursor.take(stored * width)
        count = stored + (hasNull ? 1 : 0)
        self.order = order
    }

    var byteCount: Int { values.count + 6 }

    /// Precondition: not the null entry, `index < count`.
    @inline(__always)
    func long(_ index: Int) -> Int64 {
        let place = index - (hasNull ? 1 : 0)
        precondition(place >= 0 && index < count, "dictionary index out of range")
        return load64(values.base, 8 * place, order)
    }

    func double(_ index: Int) -> Double { Double(bitPattern: UInt64(bitPattern: long(index))) }

    func int(_ index: Int) -> Int {
        let place = index - (hasNull ? 1 : 0)
        precondition(place >= 0 && index < count, "dictionary index out of range")
        return load32(values.base, 4 * place, order)
    }

    func isNull(_ index: Int) -> Bool { hasNull && index == 0 }

    func corrupt(_ what: String) -> LaminaError { values.corrupt(what) }
}
