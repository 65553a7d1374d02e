import LaminaBase
import LaminaBitmaps

/// The values of a nested or variant column by global id.
struct GlobalDictionary: Sendable {
    let strings: StringDictionary
    let longs: FixedIndexed
    let doubles: FixedIndexed
    /// Absent in old `json` columns.
    let arrays: IntArrayDictionary?

    /// Ids of values that are no arrays.
    var scalarCount: Int { strings.count + longs.count + doubles.count }
    var count: Int { scalarCount + (arrays?.count ?? 0) }

    init(
        strings: StringDictionary,
        longs: FixedIndexed,
        doubles: FixedIndexed,
        arrays: IntArrayDictionary?
    ) {
        self.strings = strings
        self.longs = longs
        self.doubles = doubles
        self.arrays = arrays
    }

    /// Precondition: `id < count`.
    func value(_ id: Int) throws(LaminaError) -> Value {
        if id < strings.count { return strings.value(id).map { .string($0) } ?? .null }
        if id < strings.count + longs.count { return .long(longs.long(id - strings.count)) }
        if id < scalarCount { return .double(doubles.double(id - strings.count - longs.count)) }
        guard let arrays, let ids = try arrays.ids(id - scalarCount) else { return .null }
        var items: [Value] = []
        items.reserveCapacity(ids.count)
        for id in ids { items.append(try value(id)) }
        return .array(items)
    }
}
