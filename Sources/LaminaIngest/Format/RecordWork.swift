import CSimdJSON
import LaminaBase

/// Which bytes of a record are parsed.
enum RecordPart: Sendable {
    case value
    case key
}

/// The parsing of some records of one batch. Their texts are laid one behind the other, a line feed after each, and parsed as one
/// chunk by the parsers of files.
final class RecordWork {
    /// What columns of one batch may take.
    private static let memoryMax = 128 << 20

    let batch: RecordBatch
    let range: Range<Int>
    private let part: RecordPart
    private let wanted: Set<String>?
    private let number: Int
    /// Records that are bad already.
    private var refused: Set<Int> = []
    private(set) var builder: BatchBuilder
    private var unit: RecordUnit? = .record
    /// What record each row is of.
    private var rows: [UInt32] = []
    private var bad: [BadRecord] = []
    /// Set by the formats' columns beside the value's: what rows lack is then not counted by records.
    private var isBlended = false

    init(_ batch: RecordBatch, _ range: Range<Int>, part: RecordPart, wanted: Set<String>?, number: Int) {
        self.batch = batch
        self.range = range
        self.part = part
        self.wanted = wanted
        self.number = number
        builder = Self.builder(RecordLayout(), rowsMax: 0, wanted: wanted)
    }

    var isTooLarge: Bool { builder.failure != nil }

    /// The key of a record without value is not asked for.
    func textRange(_ record: Int) -> Range<Int>? {
        guard let value = batch.records[record].value else { return nil }
        return part == .value ? value : batch.records[record].key
    }

    /// Leaves records out, which are bad for another reason than their text.
    func refuse(_ records: [BadRecord]) {
        bad += records
        for record in records { refused.insert(Int(record.record)) }
    }

    private static func builder(_ layout: consuming RecordLayout, rowsMax: Int, wanted: Set<String>?) -> BatchBuilder {
        let length = layout.length
        let chunk = RecordChunk(
            layout.take(),
            sequence: 0,
            uri: nil,
            entity: 0,
            indexInEntity: 0,
            start: 0,
            length: length,
            firstLine: 1,
            rowsMax: rowsMax,
            columns: nil
        )
        return BatchBuilder(chunk, wanted: wanted, memoryMax: memoryMax)
    }

    /// The records whose text is parsed, ascending.
    private var present: [UInt32] {
        var records: [UInt32] = []
        records.reserveCapacity(range.count)
        for record in range where textRange(record) != nil && (refused.isEmpty || !refused.contains(record)) {
            records.append(UInt32(record))
        }
        return records
    }

    // MARK: JSON documents

    /// Objects by the fast parser; false when there are more rows than were counted.
    func parsePlain(_ format: JSONFormat, _ parsers: ParserPool, countsFirst: Bool) -> Bool {
        let records = present
        unit = format.isConcatenated ? .document : .record
        var layout = RecordLayout()
        var ends: [UInt32] = []
        ends.reserveCapacity(records.count)
        var rowsMax = 0
        batch.bytes.withUnsafeBytes { bytes in
            layout.reserve(records.reduce(0) { $0 + (textRange(Int($1))?.count ?? 0) + 1 })
            for record in records {
                guard let range = textRange(Int(record)) else { continue }
                let text = UnsafeRawBufferPointer(rebasing: bytes[range])
                rowsMax += countsFirst ? max(1, scanDocuments(text).count) : 1
                layout.append(text)
                ends.append(UInt32(layout.length))
                layout.endLine()
            }
        }
        builder = Self.builder(layout, rowsMax: rowsMax, wanted: wanted)
        bad.removeAll { !refused.contains(Int($0.record)) }
        rows = [UInt32](repeating: 0, count: rowsMax)
        guard !records.isEmpty else { return true }
        let context = RecordContext(self, builder, format, records)
        let count: UInt32? = parsers.withParser { parser in
            guard let parser else { return nil }
            return withExtendedLifetime(context) {
                lamina_json_parse_records(
                    parser,
                    builder.chunk.base,
                    builder.chunk.length,
                    0,
                    ends,
                    UInt32(records.count),
                    UInt32(rowsMax),
                    &rows,
                    Unmanaged.passUnretained(context).toOpaque(),
                    fieldColumn,
                    oddRecord
                )
            }
        }
        guard let count else {
            parseTrees(format)
            return true
        }
        guard count != UInt32.max else { return false }
        builder.rowCount = Int(count)
        rows.removeLast(rowsMax - Int(count))
        // The parser numbers those it was given.
        if records.count < range.upperBound {
            for row in rows.indices { rows[row] = records[Int(rows[row])] }
        }
        return true
    }

    /// A record that is no plain objects, read leniently; how many rows it became, or UINT32_MAX when `room` is not enough for them.
    fileprivate func addOdd(_ record: UInt32, _ format: JSONFormat, row: Int, room: Int) -> UInt32 {
        let read = documents(record, format)
        guard read.documents.count <= room else { return UInt32.max }
        for (index, document) in read.documents.enumerated() {
            // A document that is no object is a row without fields.
            for (key, value) in document.objectValue?.entries ?? [] {
                if let column = builder.column(key) { builder.set(column, row: row + index, value) }
            }
        }
        if let problem = read.problem {
            addBad(record, problem, beforeRow: row + read.documents.count, good: read.documents.count)
        }
        return UInt32(read.documents.count)
    }

    private enum Problem {
        case malformed
        case empty
    }

    private func documents(_ record: UInt32, _ format: JSONFormat) -> (documents: [JSON], problem: Problem?) {
        guard let range = textRange(Int(record)) else { return ([], nil) }
        return batch.bytes.withUnsafeBytes { bytes in
            var reader = LenientJSON(UnsafeRawBufferPointer(rebasing: bytes[range]), features: format.features)
            var documents: [JSON] = []
            do throws(LenientJSON.Malformed) {
                while let document = try reader.next() { documents.append(document) }
            } catch {
                return (format.isConcatenated ? documents : [], .malformed)
            }
            return (documents, documents.isEmpty ? .empty : nil)
        }
    }

    private func addBad(_ record: UInt32, _ problem: Problem, beforeRow: Int, good: Int) {
        let text = textRange(Int(record)).map { shown($0) } ?? ""
        let what =
            switch problem {
            case .malformed: "Unable to parse row [\(text)]"
            case .empty: "Unable to parse [\(text)] as the intermediateRow resulted in empty input row"
            }
        let place = unit?.place(good: good, bad: 0) ?? ""
        bad.append(BadRecord(beforeRow: beforeRow, input: text, message: what + place, record: record))
    }

    /// A text for messages, cut when it is very long.
    private func shown(_ range: Range<Int>) -> String {
        let longest = 8192
        let text = String(decoding: batch.bytes[range.prefix(longest)], as: UTF8.self)
        return range.count > longest ? text + "…" : text
    }

    /// Documents by way of whole JSON values: for `flattenSpec` and relaxed features.
    func parseTrees(_ format: JSONFormat) {
        unit = format.isConcatenated ? .document : .record
        var all: [(record: UInt32, documents: [JSON], problem: Problem?)] = []
        var rowsMax = 0
        for record in present {
            let read = documents(record, format)
            rowsMax += read.documents.count
            all.append((record, read.documents, read.problem))
        }
        builder = Self.builder(RecordLayout(), rowsMax: rowsMax, wanted: wanted)
        bad.removeAll { !refused.contains(Int($0.record)) }
        rows = []
        let flattener = Flattener(format)
        for (record, documents, problem) in all {
            let first = builder.rowCount
            var problem = problem
            for document in documents {
                if flattener.add(document, to: builder) {
                    builder.rowCount += 1
                } else {
                    problem = .malformed
                    if format.isConcatenated { continue }
                    builder.dropRows(from: first)
                    break
                }
            }
            let good = builder.rowCount - first
            rows.append(contentsOf: repeatElement(record, count: good))
            if let problem { addBad(record, problem, beforeRow: builder.rowCount, good: good) }
        }
    }

    // MARK: lines

    func parseLines(_ format: JSONFormat, _ parsers: ParserPool) {
        let lines = layLines(repairing: false)
        if format.isPlain { parsers.parseLines(builder, format) } else { LaminaIngest.parseTrees(builder, format) }
        assign(lines)
    }

    func parseLines(_ format: RegexFormat) {
        let lines = layLines(repairing: true)
        format.parse(builder)
        assign(lines)
    }

    /// Every record has a header of its own, if the format has one.
    func parseLines(_ format: DelimitedFormat) {
        let lines = layLines(repairing: true, format)
        for (index, run) in lines.runs.enumerated() {
            let end = index + 1 < lines.runs.count ? lines.runs[index + 1].start : builder.chunk.length
            format.parse(builder, columns: run.columns, from: run.start, to: end)
        }
        assign(lines)
    }

    private struct Lines {
        /// The records, and how many lines lie before the end of each.
        var ends: [(record: UInt32, line: Int)] = []
        /// Stretches of records with the same header.
        var runs: [(start: Int, columns: [String])] = []
    }

    /// Lays the lines of the records out, without their headers.
    private func layLines(repairing: Bool, _ format: DelimitedFormat? = nil) -> Lines {
        unit = .line
        var lines = Lines()
        var layout = RecordLayout()
        var line = 0
        batch.bytes.withUnsafeBytes { bytes in
            let isSound = !repairing || lamina_utf8_is_valid(bytes.baseAddress, bytes.count) != 0
            for record in present {
                guard let range = textRange(Int(record)) else { continue }
                var text = UnsafeRawBufferPointer(rebasing: bytes[range])
                if let format {
                    do throws(LaminaError) {
                        text = try withoutHeader(text, format, layout.length, &lines)
                    } catch {
                        refuse([
                            BadRecord(beforeRow: 0, input: shown(range), message: error.message, record: record)
                        ])
                        continue
                    }
                }
                let start = layout.length
                if isSound {
                    layout.append(text)
                } else {
                    var repaired = String(decoding: text, as: UTF8.self)
                    repaired.withUTF8 { layout.append(UnsafeRawBufferPointer($0)) }
                }
                if let last = text.last {
                    if last != 0x0A { layout.endLine() }
                    line += layout.countLineEnds(from: start)
                }
                lines.ends.append((record, line))
            }
        }
        builder = Self.builder(layout, rowsMax: line, wanted: wanted)
        return lines
    }

    /// Takes the header off a record's text; a new run begins where columns change.
    private func withoutHeader(
        _ text: UnsafeRawBufferPointer,
        _ format: DelimitedFormat,
        _ start: Int,
        _ lines: inout Lines
    ) throws(LaminaError) -> UnsafeRawBufferPointer {
        var header = HeaderReader(format)
        var first = 0
        _ = try header.take(text, from: &first)
        let columns = header.columns ?? []
        if lines.runs.last?.columns != columns { lines.runs.append((start, columns)) }
        return UnsafeRawBufferPointer(rebasing: text[first...])
    }

    /// Says what record each row and each bad line is of: every line is one or the other.
    private func assign(_ lines: Lines) {
        rows = []
        rows.reserveCapacity(builder.rowCount)
        var line = 0
        var badLine = 0
        for (record, end) in lines.ends {
            var good = 0
            let firstBad = badLine
            while line < end {
                line += 1
                if badLine < builder.bad.count, builder.bad[badLine].line == line {
                    let place = RecordUnit.line.place(good: good, bad: badLine - firstBad)
                    let found = builder.bad[badLine]
                    let text = builder.chunk.text(start: found.start, length: found.length)
                    let message = "Unable to parse row [\(text)]\(place)"
                    bad.append(BadRecord(beforeRow: found.row, input: text, message: message, record: record))
                    badLine += 1
                } else {
                    rows.append(record)
                    good += 1
                }
            }
        }
    }

    // MARK: results

    func addColumns(_ format: KafkaFormat, _ keys: KeyValues?) {
        isBlended = true
        format.addColumns(builder, rows: rows, of: batch, keys: keys)
    }

    func finish() -> RowBatch {
        var inputBytes = 0
        for record in range { inputBytes += textRange(record)?.count ?? 0 }
        if !refused.isEmpty {
            for place in bad.indices where refused.contains(Int(bad[place].record)) {
                let record = bad[place].record
                bad[place].beforeRow = rows.firstIndex { $0 > record } ?? rows.count
            }
            bad.sort { ($0.beforeRow, $0.record) < ($1.beforeRow, $1.record) }
        }
        return builder.finish(
            number,
            records: rows,
            unit: isBlended ? nil : unit,
            bad: bad,
            inputBytes: Int64(inputBytes)
        )
    }

    /// One record with more fields or rows than there is room for.
    func finishTooLarge() -> RowBatch {
        let message = builder.failure?.message ?? ""
        builder = Self.builder(RecordLayout(), rowsMax: 0, wanted: wanted)
        rows = []
        bad = range.map { record in
            let text = textRange(record).map { shown($0) } ?? ""
            return BadRecord(
                beforeRow: 0,
                input: text,
                message: "Unable to parse row [\(text)]: \(message)",
                record: UInt32(record)
            )
        }
        return finish()
    }
}

/// What the callbacks of the fast parser work on.
private final class RecordContext: LineContext {
    let work: RecordWork
    /// The records the parser was given.
    let records: [UInt32]

    init(_ work: RecordWork, _ builder: BatchBuilder, _ format: JSONFormat, _ records: [UInt32]) {
        self.work = work
        self.records = records
        super.init(builder, format)
    }
}

private func oddRecord(
    _ context: UnsafeMutableRawPointer?,
    _ row: UInt32,
    _ record: UInt32,
    _ room: UInt32
) -> UInt32 {
    guard let context else { return 0 }
    let given = Unmanaged<RecordContext>.fromOpaque(context).takeUnretainedValue()
    return given.work.addOdd(given.records[Int(record)], given.format, row: Int(row), room: Int(room))
}
