import LaminaBase
import LaminaQuery

/// The state of preparing one batch.
struct BatchPreparation {
    enum RowState {
        static let kept: UInt8 = 0
        static let unparseable: UInt8 = 1
        static let thrownAway: UInt8 = 2
        static let duplicate: UInt8 = 3
        /// Of a stream: outside of the times it takes.
        static let late: UInt8 = 4
        static let early: UInt8 = 5
    }

    let plan: RowPreparer
    let batch: RowBatch
    let stream: StreamPreparation?
    let out: PreparedBatch
    let arena = TextArena()
    var fields: [String: FieldView] = [:]
    var states: [UInt8]
    var times: [Int64]
    /// Details of errors of kept rows, by batch row.
    var details: [Int: [String]] = [:]
    /// Batch rows that are kept.
    var rows: [Int32] = []
    var owners: [AnyObject] = []
    /// The number of the batch's first row over the whole input; 0 where nobody asks.
    let firstRow: Int64

    init(
        _ plan: RowPreparer,
        _ batch: RowBatch,
        _ out: PreparedBatch,
        firstRow: Int64 = 0,
        stream: StreamPreparation? = nil
    ) {
        self.firstRow = firstRow
        self.plan = plan
        self.batch = batch
        self.stream = stream
        self.out = out
        states = [UInt8](repeating: RowState.kept, count: batch.rowCount)
        times = [Int64](repeating: 0, count: batch.rowCount)
        for field in batch.fields { fields[field.name] = FieldView(field, base: batch.bytes.baseAddress) }
    }

    mutating func run() {
        out.owners = [batch, arena]
        readTimes()
        refuseRows()
        compute()
        if !plan.spatial.isEmpty { joinPoints(plan.spatial) }
        applyFilter()
        if let stream { rejectTimes(stream.bounds) }
        placeRows()
        if stream != nil { groupRows() }
        if let kind = plan.observes {
            observe(kind)
            count()
            return
        }
        for schema in plan.dimensions { out.dimensions.append(dimension(schema)) }
        discover()
        for (metric, filter) in zip(plan.metrics, plan.metricFilters) {
            out.metrics.append(self.metric(metric, filter))
        }
        truncateTimes()
        count()
        out.owners.append(contentsOf: owners)
    }

    // MARK: time

    private mutating func readTimes() {
        guard let field = fields[plan.timestamp.column] else {
            for row in 0..<batch.rowCount { missingTime(row) }
            return
        }
        for row in 0..<batch.rowCount {
            let instant: Int64?
            switch field.kinds[row] {
            case FieldKind.string: instant = plan.parser.instant(field.text(row))
            case FieldKind.long: instant = plan.parser.instant(field.long(row))
            case FieldKind.double: instant = plan.parser.instant(field.double(row))
            case FieldKind.float: instant = plan.parser.instant(Double(field.float(row)))
            case FieldKind.bool, FieldKind.json, FieldKind.complex: instant = nil
            default:
                missingTime(row)
                continue
            }
            if let instant, Interval.eternity.contains(instant) { times[row] = instant } else { unparseable(row) }
        }
    }

    private mutating func missingTime(_ row: Int) {
        if let missing = plan.timestamp.missingValue { times[row] = missing } else { unparseable(row) }
    }

    private mutating func unparseable(_ row: Int) {
        states[row] = RowState.unparseable
        let text = fields[plan.timestamp.column]?.javaString(row) ?? "null"
        details[row] = ["Timestamp[\(text)] is unparseable! Event: \(rowText(row))\(place(row))"]
    }

    private func place(_ row: Int) -> String {
        plan.namesPlaces ? batch.place(of: row) : ""
    }

    /// The row as Java prints its map.
    private func rowText(_ row: Int) -> String {
        var parts: [String] = []
        for field in batch.fields where field.kinds[row] != FieldKind.missing {
            let view = FieldView(field, base: batch.bytes.baseAddress)
            parts.append("\(field.name)=\(view.javaString(row) ?? "null")")
        }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    /// Rows of a stream on which an earlier try failed.
    private mutating func refuseRows() {
        guard let stream else { return }
        for (row, message) in stream.refused where states[Int(row)] == RowState.kept {
            states[Int(row)] = RowState.unparseable
            details[Int(row)] = ["\(message)\(place(Int(row)))"]
        }
    }

    /// A row on which something fails, fails the task; of a stream, only the row does not count.
    func fail(_ row: Int, _ error: LaminaError) {
        if out.failure == nil { out.failure = error }
        if stream != nil { out.failedRows[Int32(row)] = error.message }
    }

    // MARK: transforms and filter

    private mutating func compute() {
        guard !plan.computed.isEmpty else { return }
        // Transforms see only input fields, not each other.
        var made: [FieldView] = []
        for field in plan.computed { made.append(compute(field)) }
        for view in made {
            if view.name == "__time" { overrideTimes(view) } else { fields[view.name] = view }
        }
    }

    mutating func compute(_ field: RowPreparer.ComputedField) -> FieldView {
        let column = FieldColumn(name: field.name, capacity: batch.rowCount)
        owners.append(column)
        let inputs = field.expression.requiredColumns.map { $0 == "__time" ? nil : fields[$0] }
        let readsTime = field.expression.requiredColumns.map { $0 == "__time" }
        // Texts are addressed from a fixed base: collected first, placed afterwards.
        var texts = FieldTexts()
        var memo: [Value: Value] = [:]
        var columns = [Value](repeating: .null, count: inputs.count)
        for row in 0..<batch.rowCount where states[row] == RowState.kept {
            for (place, input) in inputs.enumerated() {
                columns[place] = readsTime[place] ? .long(times[row]) : input?.value(row) ?? .null
            }
            let value: Value
            if columns.count == 1, let known = memo[columns[0]] {
                value = known
            } else {
                do throws(LaminaError) {
                    value = try field.expression.evaluate(columns: columns)
                } catch {
                    details[row, default: []].append("Could not compute [\(field.name)]: \(error.message)")
                    continue
                }
                if columns.count == 1, memo.count < 4096 { memo[columns[0]] = value }
            }
            texts.store(value, in: column, row)
        }
        let base = texts.bytes.withUnsafeBytes { arena.copy($0) }
        return FieldView(column, base: base)
    }

    private mutating func overrideTimes(_ view: FieldView) {
        for row in 0..<batch.rowCount where states[row] == RowState.kept {
            let instant: Int64?
            switch view.kinds[row] {
            case FieldKind.long: instant = view.long(row)
            case FieldKind.double: instant = Int64(exactly: view.double(row).rounded(.towardZero))
            case FieldKind.float: instant = Int64(exactly: Double(view.float(row)).rounded(.towardZero))
            case FieldKind.string: instant = parseWhole(view.text(row).assumingMemoryBound(to: UInt8.self))
            default: instant = nil
            }
            if let instant, Interval.eternity.contains(instant) {
                times[row] = instant
            } else {
                states[row] = RowState.unparseable
                details[row] = ["Timestamp[\(view.javaString(row) ?? "null")] is unparseable! Event: \(rowText(row))"]
            }
        }
    }

    /// A filter that fails, fails the task: Druid counts only what does not parse.
    private mutating func applyFilter() {
        guard let filter = plan.filter else { return }
        for row in 0..<batch.rowCount where states[row] == RowState.kept {
            do throws(LaminaError) {
                if try !filter.passes(row: row, time: times[row], fields: fields) { states[row] = RowState.thrownAway }
            } catch {
                fail(row, error)
                if stream == nil { return }
            }
        }
    }

    /// Late and early rows of a stream, as Druid after the filter.
    private mutating func rejectTimes(_ bounds: RowBounds) {
        for row in 0..<batch.rowCount where states[row] == RowState.kept {
            if times[row] < bounds.min {
                states[row] = RowState.late
            } else if times[row] > bounds.max {
                states[row] = RowState.early
            }
        }
    }

    // MARK: places

    private mutating func placeRows() {
        var finder = ChunkFinder(stream?.chunks ?? plan.chunkRule)
        var numbers: [RowPlace: UInt32] = [:]
        var last: RowPlace?
        var lastNumber: UInt32 = 0
        // Rows that dedup compared, whether they stay or go.
        var compared: [Int32] = []
        rows.reserveCapacity(batch.rowCount)
        out.placeOfRow.reserveCapacity(batch.rowCount)
        var bucketOf = plan.partitioner.makeBucketing(fields: fields, dimensionNames: groupKeyNames())
        // Out of the loop: a method of this struct would copy all of it for every row.
        let granularity = plan.granularity
        let isExact = granularity.isNone || granularity.isAll
        for row in 0..<batch.rowCount where states[row] == RowState.kept {
            guard let chunk = finder.chunk(times[row]) else {
                states[row] = RowState.thrownAway
                continue
            }
            if let duplicates = plan.duplicates {
                compared.append(Int32(row))
                if duplicates.contains(firstRow + Int64(row)) {
                    states[row] = RowState.duplicate
                    continue
                }
            }
            var bucket = 0
            do throws(LaminaError) {
                let time = isExact ? times[row] : granularity.bucketStart(times[row])
                bucket = try bucketOf.bucket(row: row, time: time, chunk: chunk)
            } catch {
                fail(row, error)
            }
            let place = RowPlace(chunk: chunk, bucket: bucket)
            if place != last {
                last = place
                if let known = numbers[place] {
                    lastNumber = known
                } else {
                    lastNumber = UInt32(out.places.count)
                    numbers[place] = lastNumber
                    out.places.append(place)
                }
            }
            rows.append(Int32(row))
            out.placeOfRow.append(lastNumber)
        }
        out.count = rows.count
        if plan.duplicates != nil, let dedup = plan.dedup {
            out.observation.keyed.checksum = keyedRows(compared, dedup).checksum
        }
    }

    /// Rows of a stream lie place by place, so that each segment takes a range of them.
    private mutating func groupRows() {
        var starts = [Int](repeating: 0, count: out.places.count + 1)
        for place in out.placeOfRow { starts[Int(place) + 1] += 1 }
        for place in out.places.indices { starts[place + 1] += starts[place] }
        out.rangeOfPlace = out.places.indices.map { starts[$0]..<starts[$0 + 1] }
        guard out.places.count > 1 else {
            if let row = rows.first { out.timeOfPlace = [times[Int(row)]] }
            return
        }
        var sorted = [Int32](repeating: 0, count: rows.count)
        var places = [UInt32](repeating: 0, count: rows.count)
        for (kept, row) in rows.enumerated() {
            let place = out.placeOfRow[kept]
            sorted[starts[Int(place)]] = row
            places[starts[Int(place)]] = place
            starts[Int(place)] += 1
        }
        rows = sorted
        out.placeOfRow = places
        for range in out.rangeOfPlace { out.timeOfPlace.append(times[Int(rows[range.lowerBound])]) }
    }

    /// The dimensions of a row that make up Druid's group key.
    private func groupKeyNames() -> [String] {
        var names = plan.dimensions.map(\.name)
        if let discovery = plan.discovery {
            for field in batch.fields where !discovery.excluded.contains(field.name) { names.append(field.name) }
        }
        return names
    }

    @inline(__always)
    private func truncated(_ instant: Int64) -> Int64 {
        plan.granularity.isNone || plan.granularity.isAll ? instant : plan.granularity.bucketStart(instant)
    }

    /// Times as they are stored: truncated, but never before their segment's interval, as in Druid's `IncrementalIndex`. Of a stream
    /// the segment is not known yet.
    private mutating func truncateTimes() {
        out.times.reserveCapacity(rows.count)
        if plan.granularity.isNone {
            for row in rows { out.times.append(times[Int(row)]) }
            return
        }
        var start: Int64 = 0
        var end: Int64 = 0
        for (kept, row) in rows.enumerated() {
            let instant = times[Int(row)]
            if instant < start || instant >= end {
                start = plan.granularity.bucketStart(instant)
                end = max(plan.granularity.next(start), instant &+ 1)
            }
            if stream != nil {
                out.times.append(start)
            } else {
                out.times.append(max(start, out.places[Int(out.placeOfRow[kept])].chunk.start))
            }
        }
    }

    // MARK: first pass

    private mutating func observe(_ kind: Observation.Kind) {
        switch kind {
        case .keys(let dedup): out.observation.keyed = keyedRows(rows, dedup)
        case .distinctRows(let dimensions):
            var key = GroupKey(dimensions: dimensions, all: groupKeyNames(), fields: fields)
            for (kept, row) in rows.enumerated() {
                let chunk = out.places[Int(out.placeOfRow[kept])].chunk
                let text = key.text(row: Int(row), time: truncated(times[Int(row)]))
                out.observation.distinct[chunk, default: DistinctCounter()].insert(longHash(text))
            }
        case .rangeKeys(let dimensions, let distinct):
            let inputs = dimensions.map { ($0, fields[$0]) }
            var group = GroupKey(dimensions: [], all: distinct ? groupKeyNames() : [], fields: fields)
            for (kept, row) in rows.enumerated() {
                let chunk = out.places[Int(out.placeOfRow[kept])].chunk
                do throws(LaminaError) {
                    let key = try rangeKey(inputs, row: Int(row))
                    if distinct {
                        let text = group.text(row: Int(row), time: truncated(times[Int(row)]))
                        out.observation.keys[chunk, default: KeyCounts()].addDistinct(key, hash: longHash(text))
                    } else {
                        out.observation.keys[chunk, default: KeyCounts()].add(key)
                    }
                } catch {
                    fail(Int(row), error)
                }
            }
        }
    }

    private func longHash(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { bytes in
            var state: UInt64 = 0x2545_F491_4F6C_DD1D
            for byte in bytes { state = mixBits((state ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15) }
            return state
        }
    }

    // MARK: counts

    private func recordOf(_ row: Int) -> UInt32 { row < batch.records.count ? batch.records[row] : 0 }

    private mutating func count() {
        out.counts.processedBytes = batch.inputBytes
        if plan.dedup != nil { out.counts.duplicates = 0 }
        var bad = 0
        let errorsKept = stream == nil ? plan.errorsKept : Int.max
        func record(_ error: RowError) {
            out.errors.append(error)
            if errorsKept < Int.max, out.errors.count > 2 * errorsKept {
                out.errors.removeFirst(out.errors.count - errorsKept)
            }
        }
        func recordBadRecords(before row: Int) {
            while bad < batch.badRecords.count, batch.badRecords[bad].beforeRow <= row {
                let text = batch.badRecords[bad]
                record(RowError(isUnparseable: true, input: text.input, details: [text.message], record: text.record))
                out.counts.unparseable += 1
                bad += 1
            }
        }
        for row in 0..<batch.rowCount {
            recordBadRecords(before: row)
            switch states[row] {
            case RowState.duplicate:
                out.counts.thrownAway += 1
                out.counts.duplicates? += 1
            case RowState.thrownAway, RowState.late, RowState.early:
                out.counts.thrownAway += 1
                if stream != nil {
                    out.thrownAway.append(ThrownRow(record: recordOf(row), state: states[row], time: times[row]))
                }
            case RowState.unparseable:
                out.counts.unparseable += 1
                record(
                    RowError(
                        isUnparseable: true,
                        input: rowText(row),
                        details: details[row] ?? [],
                        record: recordOf(row)
                    )
                )
            default:
                if let problems = details[row] {
                    out.counts.processedWithError += 1
                    record(
                        RowError(isUnparseable: false, input: rowText(row), details: problems, record: recordOf(row))
                    )
                } else {
                    out.counts.processed += 1
                }
            }
        }
        recordBadRecords(before: batch.rowCount)
    }
}
