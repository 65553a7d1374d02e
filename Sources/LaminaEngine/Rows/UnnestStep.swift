package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// One row for each element of an expression.
///
/// A list gives its elements in order, null ones too; a single value itself. A null and an empty list give no row, except
/// that a string column stored in a segment gives a null row for them.
///
/// - Source: `UnnestDimensionCursor`, `UnnestColumnValueSelectorCursor`.
package struct UnnestStep: RowStep {
    private let column: VirtualColumn

    package init(_ column: VirtualColumn) { self.column = column }

    package func makes(_ column: String) -> Bool { column == self.column.name }
    package var isDivisible: Bool { true }

    package func apply(
        _ parts: [SegmentInput],
        filter: Filter?,
        _ surroundings: RowSteps.Surroundings,
        _ run: QueryRun
    ) throws(LaminaError) -> [SegmentInput] {
        var unnested: [SegmentInput] = []
        for part in parts { unnested.append(try unnest(part, filter, surroundings, run)) }
        return unnested
    }

    private func unnest(
        _ input: SegmentInput,
        _ filter: Filter?,
        _ surroundings: RowSteps.Surroundings,
        _ run: QueryRun
    ) throws(LaminaError) -> SegmentInput {
        let scan = SegmentScan(input.view, run, virtualColumns: surroundings.virtualColumns)
        let walk = try RowWalk(scan, input, filter: filter)
        let extent = try input.extentAfter(walk, isCut: true)
        let rows = try RowList(run, for: "unnested rows")
        let source = try scan.bind(column.expression)
        let made: GatheredView.Made
        if case .string(let strings) = source {
            let ids = try RowList(run, for: "unnested values")
            let needsNull = try unnest(strings, scan, walk, rows, ids)
            let unnested = RecodedStrings(strings, ids: ids.picked, needsNull: needsNull)
            made = .column(name: column.name, .string(unnested), isUntyped: false)
        } else {
            var type = column.outputType ?? source.type
            if case .array(let element) = type { type = element }
            let values = try elements(source, scan, walk, rows, run)
            made = .column(name: column.name, makeRowColumn(values, type), isUntyped: type == nil)
        }
        var output = input
        output.view = GatheredView(input.view, rows.picked, made)
        output.rows = nil
        output.extent = extent
        return output
    }

    /// Dictionary ids are enough.
    /// - Returns: whether a null had to be added.
    private func unnest(
        _ strings: any StringColumn,
        _ scan: SegmentScan,
        _ walk: RowWalk,
        _ rows: RowList,
        _ ids: RowList
    ) throws(LaminaError) -> Bool {
        let input = scan.idInput(strings)
        let nullID = strings.nullID ?? UInt32(strings.cardinality)
        let skipsNull = strings.isRowBased
        let isMultiple = strings.hasMultipleValues
        var needsNull = false
        try walk.forEachBatch { (batch, slots) throws(LaminaError) in
            let multiple = isMultiple ? try input.multiIDs(batch) : nil
            let single = isMultiple ? nil : try input.ids(batch)
            for index in 0..<slots.count {
                let slot = slots.slots.map { Int($0[index]) } ?? index
                let row = batch.row(slot)
                let own: UnsafeBufferPointer<UInt32>
                if let multiple {
                    let range = Int(multiple.offsets[slot])..<Int(multiple.offsets[slot + 1])
                    own = UnsafeBufferPointer(rebasing: multiple.ids[range])
                } else {
                    own = UnsafeBufferPointer(start: single.map { $0 + slot }, count: 1)
                }
                if skipsNull, own.count == 1, own[0] == nullID, !strings.isList(row) { continue }
                if own.isEmpty {
                    if skipsNull { continue }
                    needsNull = true
                    try ids.append(nullID)
                    try rows.append(UInt32(row))
                } else {
                    try ids.append(own)
                    try rows.append(UInt32(row), times: own.count)
                }
            }
            return true
        }
        return needsNull
    }

    private func elements(
        _ source: ScanColumn,
        _ scan: SegmentScan,
        _ walk: RowWalk,
        _ rows: RowList,
        _ run: QueryRun
    ) throws(LaminaError) -> [Value] {
        let input = try makeValueInput(source, in: scan)
        var values: [Value] = []
        var reserved = 0
        defer { run.memory.release(reserved) }
        try walk.forEachBatch { (batch, slots) throws(LaminaError) in
            try input.load(batch)
            for index in 0..<slots.count {
                let slot = slots.slots.map { Int($0[index]) } ?? index
                guard let elements = try input.value(slot).asElements, !elements.isEmpty else { continue }
                values += elements
                try rows.append(UInt32(batch.row(slot)), times: elements.count)
            }
            let bytes = values.count * MemoryLayout<Value>.stride
            try run.memory.reserve(bytes - reserved, for: "unnested values")
            reserved = bytes
            return true
        }
        return values
    }
}

extension SegmentInput {
    /// Where the rows lie after a step over `walk`, for buckets: where they lay before.
    func extentAfter(_ walk: RowWalk, isCut: Bool) throws(LaminaError) -> TimeExtent {
        if var known = extent {
            known.isCut = isCut
            return known
        }
        return TimeExtent(bounds: try segmentBounds(), firstTime: try walk.firstTime(), isCut: isCut)
    }
}
