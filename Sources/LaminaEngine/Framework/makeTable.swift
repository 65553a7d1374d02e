package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// The rows of a merged partial, in columns, for a query that reads them.
///
/// - Errors: a kind of query whose answer is no table.
/// - Source: `QueryToolChest.resultsAsArrays`, `resultArraySignature`.
package func makeTable(
    _ merged: any SegmentPartial,
    _ query: Query,
    _ run: QueryRun
) throws(LaminaError) -> RowTable {
    try makeOperator(query).tableErased(merged, run)
}

extension QueryOperator {
    package func table(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> RowTable {
        throw .invalidInput(
            "Only groupBy, timeseries, topN and scan queries, and timeBoundary queries with a bound, can be queried again"
        )
    }
}

extension TimeseriesOperator {
    package func table(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> RowTable {
        let rows = try finishedRows(merged, run)
        let times = Column.long(InlineNumbers(rows.times, nulls: nil))
        var inputs = [RowTable.Input(name: "__time", type: .long, column: times)]
        if let timestampField { inputs.append(RowTable.Input(name: timestampField, type: .long, column: times)) }
        inputs += rows.table.rowInputs(dimensionTypes: [])
        return try RowTable(inputs, rowCount: rows.times.count, run.memory)
    }
}

extension TopNOperator {
    package func table(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> RowTable {
        let (table, elements) = try finishedRows(merged, run)
        var times: [Int64] = []
        for element in elements { times += Array(repeating: element.start, count: element.rows.count) }
        let time = RowTable.Input(name: "__time", type: .long, column: .long(InlineNumbers(times, nulls: nil)))
        let inputs = table.rowInputs(dimensionTypes: [topN.dimension.outputType])
        return try RowTable([time] + inputs, rowCount: times.count, run.memory)
    }
}

extension GroupByOperator {
    package func table(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> RowTable {
        let start = query.intervals.first?.start ?? Interval.eternity.start
        // Under granularity all the rows have a time that only an outer groupBy sees.
        let time = query.isReadByGroupBy ? start : 0
        if mustStream(merged, run) { return try streamedTable(merged, time: time, run) }
        let parts = try finishedRows(merged, run)
        let types = groupBy.dimensions.map(\.outputType)
        let rowCount = parts.reduce(0) { $0 + $1.table.rowCount }
        var inputs: [RowTable.Input] = []
        if !groupBy.granularity.isAll {
            let times = parts.flatMap(\.times)
            inputs.append(RowTable.Input(name: "__time", type: .long, column: .long(InlineNumbers(times, nulls: nil))))
        }
        if parts.count == 1 {
            inputs += parts[0].table.rowInputs(dimensionTypes: types)
        } else {
            for (index, name) in (parts.first?.table.names ?? []).enumerated() {
                let values = parts.flatMap { $0.table.columns[index].rowValues($0.table.rowCount) }
                let type = index < types.count ? types[index] : nil
                inputs.append(RowTable.Input(name: name, type: type, values: values))
            }
        }
        return try RowTable(inputs, rowCount: rowCount, time: time, run.memory)
    }

    /// The rows of an answer that is not finished at once.
    private func streamedTable(_ merged: Partial, time: Int64, _ run: QueryRun) throws(LaminaError) -> RowTable {
        let stream = GroupByStream(self, merged, run)
        var next = try stream.next()
        var shape = next
        if shape == nil { shape = try finished(try GroupPartial.empty(keys: task.keyCount, groupBy.aggregations), run) }
        let table = shape?.table
        var columns: [RowTableBuilder.Shape] = []
        if !groupBy.granularity.isAll {
            columns.append(RowTableBuilder.Shape(name: "__time", type: .long, isOpen: false))
        }
        let firstColumn = columns.count
        for (index, name) in (table?.names ?? []).enumerated() {
            var shape = RowTableBuilder.Shape(name: name, type: table?.columns[index].rowType, isOpen: false)
            if index < groupBy.dimensions.count { shape.type = groupBy.dimensions[index].outputType }
            if case .states? = table?.columns[index] { shape.isOpen = true }
            columns.append(shape)
        }
        var builder = try RowTableBuilder(columns, run)
        var count = 0
        while let rows = next, count <= query.rowsMax {
            try run.poll()
            count += rows.table.rowCount
            try builder.append(rowCount: rows.table.rowCount) { (index) throws(LaminaError) -> [Value] in
                if index < firstColumn { return longs(rows.times) }
                return rows.table.columns[index - firstColumn].rowValues(rows.table.rowCount)
            }
            next = try stream.next()
        }
        return try builder.finish(time: time, run)
    }
}

private func longs(_ numbers: [Int64]) -> [Value] { numbers.map { .long($0) } }

extension ScanOperator {
    package func table(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> RowTable {
        let parts = shown(merged)
        var columns: [RowTableBuilder.Shape] = []
        // Without a list of columns nobody can say beforehand which there will be: rows of none, as in Druid.
        for (index, name) in scan.columns.enumerated() {
            var type: ColumnType?
            for (batch, _) in parts where type == nil { type = batch.columns.first { $0.name == name }?.type }
            if let types = scan.columnTypes, index < types.count { type = types[index] }
            columns.append(RowTableBuilder.Shape(name: name, type: type, isOpen: true))
        }
        var builder = try RowTableBuilder(columns, run)
        for (batch, rows) in parts {
            try run.poll()
            let part = try batch.loaded(run).slice(rows)
            try builder.append(rowCount: part.rowCount) { (index) throws(LaminaError) -> [Value] in
                part.values(named: columns[index].name)
            }
        }
        return try builder.finish(run)
    }
}

extension TimeBoundaryOperator {
    package func table(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> RowTable {
        guard let bound else {
            throw .invalidInput("A timeBoundary query inside another query must have a bound: minTime or maxTime")
        }
        let times = merged.times.map { [bound == .minTime ? $0.lowerBound : $0.upperBound] } ?? []
        let column = RowTable.Input(name: bound.rawValue, type: .long, column: .long(InlineNumbers(times, nulls: nil)))
        return try RowTable([column], rowCount: times.count, run.memory)
    }
}
