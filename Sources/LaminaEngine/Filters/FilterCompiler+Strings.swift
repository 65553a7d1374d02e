import LaminaBase
import LaminaBitmaps
import LaminaSegment

/// Bitmaps that are read at most to answer a condition on strings, per 8192 rows that would be read instead.
private let bitmapsPerBatch = 2

extension FilterCompiler {
    /// A condition on dictionary-encoded strings: by bitmaps when few are needed, else by ids.
    func planStrings(_ column: any StringColumn, _ leaf: Leaf, _ unknown: Bool) throws(LaminaError) -> FilterPlan {
        let nullPasses = leaf.onNull.passes(includingUnknown: unknown)
        let input = scan.idInput(column)
        switch leaf.shape {
        case .values(let values):
            var ids: [UInt32] = []
            for value in Set(values.map { ExactText($0) }) {
                if let id = column.id(of: value.text) { ids.append(id) }
            }
            return try plan(column, input, ids: ids, nullPasses)
        case .range(let lower, let lowerOpen, let upper, let upperOpen) where column.isSorted:
            let range = idRange(column, lower, lowerOpen, upper, upperOpen)
            return try plan(column, input, range: range, nullPasses)
        case .prefix(let prefix) where column.isSorted:
            let low = column.lowerBound(prefix)
            var ids: [UInt32] = []
            var id = low
            while id < UInt32(column.cardinality), let value = column.value(id), value.utf8.starts(with: prefix.utf8) {
                if leaf.passes(value, includingUnknown: unknown) { ids.append(id) }
                id += 1
            }
            return try plan(column, input, ids: ids, nullPasses)
        default:
            let cardinality = column.cardinality
            if cardinality > max(rowsWanted, 1024) {
                return .rows(
                    LazyIDMatcher(input, emptyPasses: nullPasses) { (id: UInt32) throws(LaminaError) -> Bool in
                        guard let value = column.value(id) else { return nullPasses }
                        return leaf.passes(value, includingUnknown: unknown)
                    }
                )
            }
            var ids: [UInt32] = []
            for id in 0..<UInt32(cardinality) {
                if let value = column.value(id), leaf.passes(value, includingUnknown: unknown) { ids.append(id) }
            }
            return try plan(column, input, ids: ids, nullPasses)
        }
    }

    /// A condition on what a dictionary's ids stand for.
    func planMapped(
        _ column: any StringColumn,
        _ values: MappedValues,
        emptyPasses: Bool,
        _ test: @escaping (Value) -> Bool
    ) throws(LaminaError) -> FilterPlan {
        let input = scan.idInput(column)
        guard values.isTotal, column.cardinality <= max(rowsWanted, 1024) else {
            return .rows(
                LazyIDMatcher(input, emptyPasses: emptyPasses) { (id: UInt32) throws(LaminaError) -> Bool in
                    test(try values.value(id))
                }
            )
        }
        var ids: [UInt32] = []
        var nullPasses = false
        for id in 0..<UInt32(column.cardinality) where test(try values.value(id)) {
            if id == column.nullID { nullPasses = true } else { ids.append(id) }
        }
        return try plan(column, input, ids: ids, nullPasses)
    }

    /// Ids of non-null values between two bounds.
    private func idRange(
        _ column: any StringColumn,
        _ lower: String?,
        _ lowerOpen: Bool,
        _ upper: String?,
        _ upperOpen: Bool
    ) -> Range<UInt32> {
        var low = UInt32(column.nullID == 0 ? 1 : 0)
        var high = UInt32(column.cardinality)
        if let lower {
            low = column.lowerBound(lower)
            if lowerOpen, low < high, let value = column.value(low), sameText(value, lower) { low += 1 }
        }
        if let upper {
            let found = column.lowerBound(upper)
            high = found
            if !upperOpen, found < UInt32(column.cardinality), let value = column.value(found), sameText(value, upper) {
                high = found + 1
            }
        }
        return low < high ? low..<high : 0..<0
    }

    private func plan(
        _ column: any StringColumn,
        _ input: IDInput,
        range: Range<UInt32>,
        _ nullPasses: Bool
    ) throws(LaminaError) -> FilterPlan {
        let needsNull = nullPasses && (column.nullID != nil || column.hasMultipleValues)
        if range.count > bitmapLimit, !needsNull, !column.hasMultipleValues,
            column.cardinality - range.count > bitmapLimit || !column.hasBitmaps
        {
            return .rows(IDRangeMatcher(input, range))
        }
        return try plan(column, input, ids: Array(range), nullPasses)
    }

    /// A condition on numbers that have a dictionary with bitmaps, when few values pass; else nil.
    func planIndexed<Number: VectorNumber>(
        _ index: (any NumericValueIndex<Number>)?,
        _ test: NumberTest<Number>,
        isLess: (Number, Number) -> Bool
    ) throws(LaminaError) -> FilterPlan? {
        guard let index else { return nil }
        /// The first place whose value is not before one, or (`after`) is behind it.
        func place(_ value: Number, after: Bool) -> Int {
            var low = 0
            var high = index.cardinality
            while low < high {
                let middle = (low + high) / 2
                let isBefore = after ? !isLess(value, index.value(middle)) : isLess(index.value(middle), value)
                if isBefore { low = middle + 1 } else { high = middle }
            }
            return low
        }
        var wanted: [Int] = []
        switch test {
        case .never, .predicate: return nil
        case .values(let values):
            guard values.count <= bitmapLimit else { return nil }
            for value in values { wanted += place(value, after: false)..<place(value, after: true) }
        case .range(let lower, let lowerOpen, let upper, let upperOpen):
            let low = lower.map { place($0, after: lowerOpen) } ?? 0
            let high = upper.map { place($0, after: !upperOpen) } ?? index.cardinality
            if low < high { wanted = Array(low..<high) }
        }
        if wanted.isEmpty { return FilterPlan.none }
        guard wanted.count <= bitmapLimit else { return nil }
        var bitmaps: [RoaringBitmap] = []
        for place in wanted { bitmaps.append(try index.rows(place)) }
        return FilterPlan(bitmap: bitmaps.count == 1 ? bitmaps[0] : RoaringBitmap.union(of: bitmaps))
    }

    private var bitmapLimit: Int { max(2, rowsWanted / batchRowsMax * bitmapsPerBatch) }

    /// Rows with one of some ids (distinct, none of null), and null rows when null passes.
    private func plan(
        _ column: any StringColumn,
        _ input: IDInput,
        ids: [UInt32],
        _ nullPasses: Bool
    ) throws(LaminaError) -> FilterPlan {
        var wanted = ids
        if nullPasses, let nullID = column.nullID { wanted.append(nullID) }
        // Rows without values may exist though null is not in the dictionary; no bitmap knows them.
        let hasHiddenNulls = column.hasMultipleValues && column.nullID == nil
        let emptyPasses = nullPasses
        if wanted.isEmpty, !(hasHiddenNulls && nullPasses) { return .none }
        if wanted.count == column.cardinality, !hasHiddenNulls || nullPasses { return .all }
        if column.hasBitmaps, !hasHiddenNulls || !nullPasses {
            if wanted.count <= bitmapLimit { return FilterPlan(bitmap: try union(column, wanted)) }
            if column.cardinality - wanted.count <= bitmapLimit, !column.hasMultipleValues {
                var isWanted = [Bool](repeating: false, count: column.cardinality)
                for id in wanted { isWanted[Int(id)] = true }
                var others: [UInt32] = []
                for id in 0..<UInt32(column.cardinality) where !isWanted[Int(id)] { others.append(id) }
                return FilterPlan(bitmap: try union(column, others).complement(rowCount: rowCount))
            }
        }
        var table = [UInt8](repeating: 0, count: column.cardinality)
        for id in wanted { table[Int(id)] = 1 }
        return .rows(IDTableMatcher(input, table: table, emptyPasses: emptyPasses))
    }

    private func union(_ column: any StringColumn, _ ids: [UInt32]) throws(LaminaError) -> RoaringBitmap {
        var bitmaps: [RoaringBitmap] = []
        for id in ids { bitmaps.append(try column.rows(id)) }
        return bitmaps.count == 1 ? bitmaps[0] : RoaringBitmap.union(of: bitmaps)
    }
}
