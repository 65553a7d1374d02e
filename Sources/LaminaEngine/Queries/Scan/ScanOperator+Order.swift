import LaminaBase
import LaminaQuery

/// A row of a list of batches.
private struct Place {
    var batch: Int32
    var row: Int32
}

extension ScanOperator {
    /// All rows by time or by the columns of `orderBy`; rows that tie in the order of their segments, of descending times in the
    /// reverse of it.
    func ordered(_ batches: [ScanBatch], _ run: QueryRun) throws(LaminaError) -> [ScanBatch] {
        var places = try scan.orderBy.isEmpty ? placesByTime(batches, run) : placesByColumns(batches, run)
        if let rowsMax { places = Array(places.prefix(rowsMax)) }
        var names: [ScanBatch.Column] = []
        var known: [String: Int] = [:]
        for batch in batches {
            for column in batch.columns where known[column.name] == nil {
                known[column.name] = names.count
                names.append(ScanBatch.Column(name: column.name, type: column.type, values: []))
            }
        }
        let slots = batches.map { batch in batch.columns.map { known[$0.name] ?? 0 } }
        var result: [ScanBatch] = []
        var start = 0
        while start < places.count {
            try run.poll()
            let end = min(start + batchSize, places.count)
            var batch = ScanBatch(segmentID: nil, columns: names, rowCount: end - start, times: [])
            for index in batch.columns.indices {
                batch.columns[index].values = Array(repeating: .null, count: end - start)
            }
            for (row, place) in places[start..<end].enumerated() {
                let source = batches[Int(place.batch)]
                for (index, slot) in slots[Int(place.batch)].enumerated() {
                    batch.columns[slot].values[row] = source.columns[index].values[Int(place.row)]
                }
            }
            result.append(batch)
            start = end
        }
        return result
    }

    private func placesByTime(_ batches: [ScanBatch], _ run: QueryRun) throws(LaminaError) -> [Place] {
        var places: [(time: Int64, place: Place)] = []
        places.reserveCapacity(batches.reduce(0) { $0 + $1.rowCount })
        for (number, batch) in batches.enumerated() {
            for (row, time) in batch.times.enumerated() {
                places.append((time, Place(batch: Int32(number), row: Int32(row))))
            }
        }
        try run.poll()
        let descending = scan.order == .descending
        places.sort { left, right in
            let (first, second) = descending ? (right, left) : (left, right)
            return (first.time, first.place.batch, first.place.row) < (
                second.time, second.place.batch, second.place.row
            )
        }
        return places.map(\.place)
    }

    private func placesByColumns(_ batches: [ScanBatch], _ run: QueryRun) throws(LaminaError) -> [Place] {
        let comparisons = comparisons
        var rows: [(keys: [Value], place: Place)] = []
        rows.reserveCapacity(batches.reduce(0) { $0 + $1.rowCount })
        for (number, batch) in batches.enumerated() {
            try run.poll()
            let slots = slots(batch)
            for row in 0..<batch.rowCount {
                rows.append((keys(batch, row, slots), Place(batch: Int32(number), row: Int32(row))))
            }
        }
        try run.poll()
        var order = Array(rows.indices)
        order.sort { left, right in
            for (index, compare) in comparisons.enumerated() {
                let order = compare(rows[left].keys[index], rows[right].keys[index])
                if order != 0 { return order < 0 }
            }
            return left < right
        }
        return order.map { rows[$0].place }
    }

    /// Natural orders, null first; descending ones reversed.
    private var comparisons: [RowSorter.Comparison] {
        var result: [RowSorter.Comparison] = []
        for column in scan.orderBy {
            if column.descending {
                result.append { (left: Value, right: Value) -> Int in -compareNatural(left, right) }
            } else {
                result.append(compareNatural)
            }
        }
        return result
    }

    /// Where the columns of `orderBy` stand in a batch; nil: nowhere, all null.
    private func slots(_ batch: ScanBatch) -> [Int?] {
        scan.orderBy.map { order in batch.columns.firstIndex { $0.name == order.name } }
    }

    private func keys(_ batch: ScanBatch, _ row: Int, _ slots: [Int?]) -> [Value] {
        slots.map { $0.map { batch.columns[$0].values[row] } ?? .null }
    }

    /// The rows of a segment that may be part of the answer, ordered by columns: with a limit no more than that are held.
    func firstRows(_ cursor: ScanCursor, _ run: QueryRun) throws(LaminaError) -> [ScanBatch] {
        guard let rowsMax, Int64(rowsMax) <= queuedRowsMax else {
            var batches: [ScanBatch] = []
            while let batch = try cursor.next(limit: batchRowsMax) {
                batches.append(try kept(batch, run))
            }
            return batches
        }
        let sorter = RowSorter(comparisons, limit: rowsMax, run)
        var result: ScanBatch?
        while let batch = try cursor.next(limit: batchRowsMax) {
            let slots = slots(batch)
            for row in 0..<batch.rowCount {
                try sorter.add(keys(batch, row, slots)) { () throws(LaminaError) in
                    var bytes: [UInt8] = []
                    for column in batch.columns { ValueCode.append(column.values[row], to: &bytes) }
                    return bytes
                }
            }
            result = batch
        }
        guard var result else { return [] }
        result.rowCount = 0
        for index in result.columns.indices { result.columns[index].values = [] }
        let rows = try sorter.finish()
        while let bytes = try rows.next() {
            try bytes.withBytes { (raw) throws(LaminaError) in
                guard let base = raw.baseAddress else { return }
                var reader = SpillReader(base)
                for index in result.columns.indices { result.columns[index].values.append(try reader.value()) }
            }
            result.rowCount += 1
        }
        return [result]
    }
}
