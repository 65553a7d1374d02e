import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// The rows of one place of a sorted memory index, as a segment. Columns are made when asked for and not kept.
final class SliceView: SegmentView {
    private let source: SortedIndex
    private let rows: [UInt32]
    let dataInterval: Interval
    let ordering: [OrderedColumn]
    private let dimensionNumbers: [Int]
    private let isForMerging: Bool
    let dimensions: [String]
    let metrics: [String]

    /// - Parameter isForMerging: columns keep the one form that all pieces have.
    init(
        _ source: SortedIndex,
        rows: [UInt32],
        interval: Interval,
        ordering: [OrderedColumn],
        dimensions: [Int],
        isForMerging: Bool
    ) {
        self.source = source
        self.rows = rows
        self.isForMerging = isForMerging
        dataInterval = interval
        self.ordering = ordering
        dimensionNumbers = dimensions
        self.dimensions = dimensions.map { source.index.dimensions[$0].schema.name }
        metrics = source.index.metrics.map(\.spec.name)
    }

    var rowCount: Int { rows.count }
    var metadata: JSON? { nil }
    var sizeBytes: Int64 { 0 }

    var timeBounds: (min: Int64, max: Int64)? {
        get throws(LaminaError) {
            guard let first = rows.first else { return nil }
            let times = source.index.times
            var bounds = (min: times[Int(first)], max: times[Int(first)])
            for row in rows {
                bounds.min = min(bounds.min, times[Int(row)])
                bounds.max = max(bounds.max, times[Int(row)])
            }
            return bounds
        }
    }

    func column(_ name: String) throws(LaminaError) -> Column? {
        if name == "__time" {
            return .long(SliceNumberColumn(gather(source.index.times.pointer) { $0 }, nullRows: nil))
        }
        if let place = dimensions.firstIndex(of: name) { return dimension(dimensionNumbers[place]) }
        guard let metric = source.index.metrics.first(where: { $0.spec.name == name }) else { return nil }
        switch metric.stored {
        case .objects(let states, let type):
            return .object(SliceStateColumn(states, owner: source, rows: rows, type: type))
        case .numbers(let values, let flags, let type):
            let nulls = flags.flatMap { nullRows(UnsafePointer($0.pointer)) }
            defer { withExtendedLifetime((values, flags)) {} }
            switch type {
            case .long: return .long(SliceNumberColumn(longs(values), nullRows: nulls))
            case .double: return .double(SliceNumberColumn(doubles(values), nullRows: nulls))
            case .float: return .float(SliceNumberColumn(floats(values), nullRows: nulls))
            }
        }
    }

    private func gather<Source, Element: BitwiseCopyable>(
        _ pointer: UnsafeMutablePointer<Source>,
        _ convert: (Source) -> Element
    ) -> SharedValues<Element> {
        let out = SharedValues<Element>(count: rows.count)
        for (place, row) in rows.enumerated() { out.pointer[place] = convert(pointer[Int(row)]) }
        return out
    }

    private func longs(_ bits: GrowBuffer<UInt64>) -> SharedValues<Int64> {
        gather(bits.pointer) { Int64(bitPattern: $0) }
    }

    private func doubles(_ bits: GrowBuffer<UInt64>) -> SharedValues<Double> {
        gather(bits.pointer) { Double(bitPattern: $0) }
    }

    private func floats(_ bits: GrowBuffer<UInt64>) -> SharedValues<Float> {
        gather(bits.pointer) { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    }

    private func nullRows(_ flags: UnsafePointer<UInt8>) -> RoaringBitmap? {
        var bitmap = RoaringBitmap()
        for (place, row) in rows.enumerated() where flags[Int(row)] != 0 { bitmap.append(UInt32(place)) }
        return bitmap.isEmpty ? nil : bitmap
    }

    private func dimension(_ number: Int) -> Column? {
        let store = source.index.dimensions[number]
        if let bits = store.bits {
            let nulls = store.nulls.flatMap { nullRows(UnsafePointer($0.pointer)) }
            switch store.schema.kind {
            case .double: return .double(SliceNumberColumn(doubles(bits), nullRows: nulls))
            case .float: return .float(SliceNumberColumn(floats(bits), nullRows: nulls))
            default: return .long(SliceNumberColumn(longs(bits), nullRows: nulls))
            }
        }
        guard let codes = store.codes, let texts = store.texts, let order = source.orders[number] else { return nil }
        if case .auto(let cast) = store.schema.kind {
            if cast == nil, !isForMerging, isOnlyStrings(codes, texts) {
                return .string(strings(codes, texts, order, prefix: 1))
            }
            return .object(SliceObjectColumn(.memory(texts), owner: source, ids: gather(codes.pointer) { $0 }))
        }
        return .string(strings(codes, texts, order, prefix: 0))
    }

    /// An `auto` column whose values here are all texts (or null) is written from its dictionary.
    private func isOnlyStrings(_ codes: GrowBuffer<UInt32>, _ texts: TextDictionary) -> Bool {
        var hasText = false
        for row in rows {
            let code = codes.pointer[Int(row)]
            if code == 0 { continue }
            if texts.text(code).first != EncodedValue.string { return false }
            hasText = true
        }
        return hasText
    }

    private func strings(
        _ codes: GrowBuffer<UInt32>,
        _ texts: TextDictionary,
        _ order: DictionaryOrder,
        prefix: Int
    ) -> SliceStringColumn {
        let ranks = SharedValues<UInt32>(count: rows.count)
        order.valueRank.withUnsafeBufferPointer { valueRank in
            for (place, row) in rows.enumerated() {
                let code = codes.pointer[Int(row)]
                ranks.pointer[place] = code & DimensionStore.listBit != 0 ? code : valueRank[Int(code)]
            }
        }
        return SliceStringColumn(
            ranks: ranks,
            lists: order.rankedLists,
            ids: order.sorted,
            dictionarySize: order.sorted.count,
            texts: .memory(texts),
            prefix: prefix,
            owner: source
        )
    }
}

/// The ranks that occur in a slice, and each one's place among them: a bit set with counts.
struct UsedRanks {
    private var words: [UInt64]
    private var before: [UInt32] = []

    init(count: Int) { words = [UInt64](repeating: 0, count: count / 64 + 1) }

    @inline(__always)
    mutating func insert(_ rank: UInt32) { words[Int(rank &>> 6)] |= 1 &<< UInt64(rank & 63) }

    /// Counts; returns the used ranks in order, as ids where they have others.
    mutating func finish(_ ids: [UInt32]?) -> [UInt32] {
        var out: [UInt32] = []
        before.reserveCapacity(words.count)
        for (number, bits) in words.enumerated() {
            before.append(UInt32(out.count))
            var rest = bits
            while rest != 0 {
                let rank = number * 64 + rest.trailingZeroBitCount
                out.append(ids.map { $0[rank] } ?? UInt32(rank))
                rest &= rest &- 1
            }
        }
        return out
    }

    @inline(__always)
    func place(of rank: UInt32) -> UInt32 {
        let below = words[Int(rank &>> 6)] & ((1 &<< UInt64(rank & 63)) &- 1)
        return before[Int(rank &>> 6)] &+ UInt32(truncatingIfNeeded: below.nonzeroBitCount)
    }
}
