import LaminaBase

/// One dimension of the rows in memory. Texts and encoded `auto` values are ids of a dictionary, numbers their bits.
final class DimensionStore {
    let schema: DimensionSchema
    /// False for dimensions that rows brought along.
    let isListed: Bool
    /// Texts: an id, or a list's number with the high bit set.
    let codes: GrowBuffer<UInt32>?
    let texts: TextDictionary?
    /// Rows with several values, each distinct list once.
    let lists: ListDictionary?
    let bits: GrowBuffer<UInt64>?
    /// The code of rows without any value, once there are some: they sort and roll up as null, but stay what they are.
    private(set) var emptyCode: UInt32?
    /// 1 where a number is null; made when the first null comes.
    private(set) var nulls: GrowBuffer<UInt8>?

    /// What snapshots find out about the column, kept for later ones.
    let facts = ColumnFacts()

    static let listBit: UInt32 = 0x8000_0000

    init(_ schema: DimensionSchema, isListed: Bool) {
        self.schema = schema
        self.isListed = isListed
        switch schema.kind {
        case .string, .auto:
            codes = GrowBuffer()
            texts = TextDictionary()
            lists = ListDictionary()
            bits = nil
        case .long, .float, .double:
            codes = nil
            texts = nil
            lists = nil
            bits = GrowBuffer()
        }
    }

    var bytes: Int {
        (codes?.bytes ?? 0) + (texts?.bytes ?? 0) + (lists?.bytes ?? 0) + (bits?.bytes ?? 0) + (nulls?.bytes ?? 0)
    }

    /// Looks up, or takes into the dictionary, what the given rows of a batch hold: one key a row.
    func encode(_ column: PreparedColumn, _ rows: Range<Int>, into keys: UnsafeMutablePointer<UInt64>) {
        if let refs = column.texts, let texts {
            for (place, row) in rows.enumerated() {
                let ref = refs[row]
                keys[place] = UInt64(
                    ref.length == TextRef.listLength ? list(column, Int(ref.hash), texts) : texts.intern(ref)
                )
            }
        } else if let bits = column.bits {
            keys.update(from: bits + rows.lowerBound, count: rows.count)
        }
    }

    private func list(_ column: PreparedColumn, _ number: Int, _ texts: TextDictionary) -> UInt32 {
        var ids: [UInt32] = []
        let range = column.lists[number]
        guard case .string(let handling) = schema.kind, let lists else { return 0 }
        if handling == .array {
            for place in range { ids.append(texts.intern(column.elements[place])) }
        } else {
            var sorted = Array(column.elements[range])
            sorted.sort { left, right in
                if left.isNull || right.isNull { return left.isNull && !right.isNull }
                return compareUTF16Order(
                    left.bytes.assumingMemoryBound(to: UInt8.self),
                    right.bytes.assumingMemoryBound(to: UInt8.self)
                ) < 0
            }
            for ref in sorted {
                let id = texts.intern(ref)
                if handling == .sortedArray || ids.last != id { ids.append(id) }
            }
        }
        if ids.count == 1 { return ids[0] }
        let code = lists.intern(ids) | Self.listBit
        if ids.isEmpty { emptyCode = code }
        return code
    }

    /// Takes over the keys of new rows; `places` are their places among `keys`.
    func append(
        _ keys: UnsafeMutablePointer<UInt64>,
        _ column: PreparedColumn,
        rows: Range<Int>,
        places: [Int32]?
    ) {
        let count = places?.count ?? rows.count
        if let codes {
            let target = codes.extend(count)
            if let places {
                for (n, place) in places.enumerated() { target[n] = UInt32(truncatingIfNeeded: keys[Int(place)]) }
            } else {
                for place in 0..<count { target[place] = UInt32(truncatingIfNeeded: keys[place]) }
            }
            return
        }
        guard let bits else { return }
        let first = bits.count
        let target = bits.extend(count)
        if let places {
            for (n, place) in places.enumerated() { target[n] = keys[Int(place)] }
        } else {
            target.update(from: keys, count: count)
        }
        if column.nulls != nil, nulls == nil {
            let fresh = GrowBuffer<UInt8>(capacity: first + count + 1024)
            fresh.append(repeating: 0, count: first)
            nulls = fresh
        }
        guard let nulls else { return }
        let flags = nulls.extend(count)
        if let source = column.nulls {
            if let places {
                for (n, place) in places.enumerated() { flags[n] = source[rows.lowerBound + Int(place)] }
            } else {
                flags.update(from: source + rows.lowerBound, count: count)
            }
        } else {
            flags.update(repeating: 0, count: count)
        }
    }

    /// Null in `count` more rows.
    func appendNulls(_ count: Int) {
        guard count > 0 else { return }
        if let codes {
            codes.append(repeating: 0, count: count)
        } else if let bits {
            if nulls == nil {
                nulls = GrowBuffer<UInt8>(capacity: bits.count + count + 1024)
                nulls?.append(repeating: 0, count: bits.count)
            }
            bits.append(repeating: 0, count: count)
            nulls?.append(repeating: 1, count: count)
        }
    }

    /// The first `count` rows as they are now. Costs nothing by row: rows are only ever appended.
    func snapshot(_ count: Int) -> DimensionSnapshot {
        DimensionSnapshot(
            schema: schema,
            isListed: isListed,
            codes: codes?.shared(count),
            texts: texts?.snapshot,
            lists: lists.flatMap { $0.count > 0 ? $0.snapshot : nil },
            bits: bits?.shared(count),
            nulls: nulls?.shared(count),
            facts: facts
        )
    }

    /// The key by which rows are equal: a row without values equals null.
    @inline(__always)
    func grouped(_ key: UInt64) -> UInt64 {
        if let emptyCode, key == UInt64(emptyCode) { return 0 }
        return key
    }

    /// Whether a stored row equals a key.
    @inline(__always)
    func isSame(_ row: Int, _ key: UInt64, isNull: Bool) -> Bool {
        if let codes { return grouped(UInt64(codes.pointer[row])) == grouped(key) }
        guard let bits else { return true }
        if let nulls, nulls.pointer[row] != 0 { return isNull }
        return !isNull && bits.pointer[row] == key
    }
}

/// Distinct lists of ids in order of arrival, the ids behind each other. Only ever grows, as texts do.
final class ListDictionary {
    private var numbers: [[UInt32]: UInt32] = [:]
    private let elements = GrowBuffer<UInt32>()
    /// Start of every list among the elements and, one past, its end.
    private let starts = GrowBuffer<Int>()
    /// The most ids that a list has.
    private(set) var longest = 0
    /// Whether some list has null in it, or nothing.
    private(set) var hasNulls = false

    init() { starts.append(0) }

    var count: Int { starts.count - 1 }
    var bytes: Int { elements.count * 4 + elements.bytes + starts.bytes + count * 96 }

    /// What is in it now.
    var snapshot: ListSnapshot {
        ListSnapshot(
            elements: elements.shared(elements.count),
            starts: starts.shared(starts.count),
            longest: longest,
            hasNulls: hasNulls
        )
    }

    func list(_ number: Int) -> UnsafeBufferPointer<UInt32> {
        let start = starts[number]
        return UnsafeBufferPointer(start: elements.pointer + start, count: starts[number + 1] - start)
    }

    func intern(_ list: [UInt32]) -> UInt32 {
        if let known = numbers[list] { return known }
        let number = UInt32(count)
        numbers[list] = number
        for id in list { elements.append(id) }
        starts.append(elements.count)
        longest = max(longest, list.count)
        if list.isEmpty || list.contains(0) { hasNulls = true }
        return number
    }
}

/// The lists a dictionary had at one moment.
struct ListSnapshot: Sendable {
    let elements: SharedValues<UInt32>
    /// One more than there are lists.
    let starts: SharedValues<Int>
    let longest: Int
    let hasNulls: Bool

    @inline(__always)
    func range(_ number: Int) -> Range<Int> { starts.pointer[number]..<starts.pointer[number &+ 1] }
}
