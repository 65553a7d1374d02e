import LaminaBase

/// The `csv` and `tsv` formats.
///
/// CSV follows RFC 4180 within one line: fields in quotes may hold separators and doubled quotes, not line ends. An empty field is
/// null, `""` an empty string. TSV (any delimiter) knows no quotes.
///
/// Source: `FlatTextInputFormat`, `CsvInputFormat` (opencsv's `RFC4180Parser`), `DelimitedInputFormat`, `DelimitedValueReader`.
struct DelimitedFormat: Sendable {
    let isCSV: Bool
    let separator: [UInt8]
    let listDelimiter: [UInt8]
    let columns: [String]
    let findColumnsFromHeader: Bool
    let skipHeaderRows: Int
    let tryParseNumbers: Bool

    init(csv fields: SpecFields) throws(LaminaError) {
        try self.init(fields, isCSV: true, separator: ",")
    }

    init(tsv fields: SpecFields) throws(LaminaError) {
        try self.init(fields, isCSV: false, separator: try fields.string("delimiter") ?? "\t")
    }

    private init(_ fields: SpecFields, isCSV: Bool, separator: String) throws(LaminaError) {
        self.isCSV = isCSV
        guard !separator.isEmpty else { throw fields.error("delimiter", "must not be empty") }
        self.separator = Array(separator.utf8)
        let list = try fields.string("listDelimiter")
        guard list != separator else {
            throw fields.error("listDelimiter", "must differ from the delimiter '\(separator)'")
        }
        guard list != "" else { throw fields.error("listDelimiter", "must not be empty") }
        listDelimiter = Array((list ?? "\u{1}").utf8)
        columns = try fields.strings("columns")
        let hasHeader = try fields.bool("hasHeaderRow")
        let find = try fields.bool("findColumnsFromHeader")
        if columns.isEmpty {
            guard hasHeader == nil || find == nil else {
                throw fields.error("", "cannot have both findColumnsFromHeader and hasHeaderRow")
            }
            guard let fromHeader = hasHeader ?? find else {
                throw fields.error("", "needs either columns or findColumnsFromHeader")
            }
            guard fromHeader else { throw fields.error("", "needs columns when findColumnsFromHeader is false") }
            findColumnsFromHeader = true
        } else {
            findColumnsFromHeader = find ?? false
        }
        for column in columns where column.contains(separator) {
            throw fields.error("columns", "has a column '\(column)' with the delimiter in its name")
        }
        let rows = try fields.int("skipHeaderRows") ?? 0
        skipHeaderRows = Int(clamping: max(0, rows))
        tryParseNumbers = try fields.bool("tryParseNumbers") ?? false
        if !columns.isEmpty { _ = try Self.named(columns) }
    }

    /// The column names of a header line.
    func header(_ line: UnsafeRawBufferPointer) throws(LaminaError) -> [String] {
        var names: [String] = []
        var bytes = Array(line)
        let count = bytes.count
        bytes.append(contentsOf: [UInt8](repeating: 0x20, count: 16))
        bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var splitter = FieldSplitter(self)
            defer { withExtendedLifetime(splitter.special) {} }
            splitter.begin(base, start: 0, end: count)
            while splitter.next() {
                let field = UnsafeBufferPointer(start: base + splitter.fieldStart, count: splitter.fieldLength)
                names.append(String(decoding: field, as: UTF8.self))
            }
        }
        return try Self.named(names)
    }

    /// Empty names become `column_N`; a name must not come twice.
    private static func named(_ names: [String]) throws(LaminaError) -> [String] {
        var seen = Set<String>()
        var result: [String] = []
        for (index, name) in names.enumerated() {
            let name = name.isEmpty ? "column_\(index + 1)" : name
            guard seen.insert(name).inserted else {
                throw .invalidInput("Duplicate column entries found : [\(name)]", context: ["column": name])
            }
            result.append(name)
        }
        return result
    }

    /// Every line is a row: missing fields are missing, surplus ones are dropped.
    func parse(_ builder: BatchBuilder) {
        let chunk = builder.chunk
        chunk.repairUTF8()
        parse(builder, columns: chunk.columns ?? columns, from: chunk.start, to: chunk.length)
    }

    /// Adds the lines of a stretch of the chunk, which is UTF-8.
    func parse(_ builder: BatchBuilder, columns names: [String], from first: Int, to end: Int) {
        let chunk = builder.chunk
        let targets = names.map { builder.column($0) }
        // The fields in the order of the columns, whatever was wanted.
        let kinds = UnsafeMutableBufferPointer<UnsafeMutablePointer<UInt8>?>.allocate(capacity: targets.count)
        let payloads = UnsafeMutableBufferPointer<UnsafeMutablePointer<UInt64>?>.allocate(capacity: targets.count)
        defer {
            kinds.deallocate()
            payloads.deallocate()
        }
        for (index, target) in targets.enumerated() {
            kinds.initializeElement(at: index, to: target?.kinds)
            payloads.initializeElement(at: index, to: target?.payloads)
        }
        let base = chunk.base
        var splitter = FieldSplitter(self)
        defer { withExtendedLifetime(splitter.special) {} }
        var start = first
        var row = builder.rowCount
        while start < end {
            var lineEnd = findLineEnd(base, from: start, to: end)
            let next = min(lineEnd + 1, end)
            if lineEnd < end, lineEnd > start, base[lineEnd - 1] == 0x0D { lineEnd -= 1 }
            splitter.begin(base, start: start, end: lineEnd)
            var column = 0
            while column < targets.count, splitter.next() {
                defer { column += 1 }
                guard let kind = kinds[column], let payload = payloads[column] else { continue }
                if splitter.fieldLength == 0, !splitter.wasQuoted {
                    kind[row] = FieldKind.null
                } else if splitter.hasListByte || tryParseNumbers {
                    setConverted(builder, targets[column], row, splitter)
                } else {
                    kind[row] = FieldKind.string
                    payload[row] =
                        UInt64(UInt32(truncatingIfNeeded: splitter.fieldStart))
                        | UInt64(UInt32(truncatingIfNeeded: splitter.fieldLength)) &<< 32
                }
            }
            row += 1
            start = next
        }
        builder.rowCount = row
    }

    private func setConverted(_ builder: BatchBuilder, _ column: FieldColumn?, _ row: Int, _ splitter: FieldSplitter) {
        guard let column else { return }
        let start = splitter.fieldStart
        let text = UnsafeRawBufferPointer(rebasing: builder.chunk.bytes[start..<start + splitter.fieldLength])
        if splitter.hasListByte, let parts = splitList(text, listDelimiter) {
            builder.set(column, row: row, .array(parts.map { tryParseNumbers ? parseNumber($0) : .string($0) }))
        } else if tryParseNumbers, let first = text.first, Self.mayBeginNumber(first) {
            let value = parseNumber(String(decoding: text, as: UTF8.self))
            if case .string = value {
                column.setText(row, kind: FieldKind.string, start: start, length: text.count)
            } else {
                builder.set(column, row: row, value)
            }
        } else {
            column.setText(row, kind: FieldKind.string, start: start, length: text.count)
        }
    }

    private static func mayBeginNumber(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: ".")
    }
}

/// The place of the next line feed, or `end`.
@inline(__always)
func findLineEnd(_ base: UnsafeMutablePointer<UInt8>, from start: Int, to end: Int) -> Int {
    var place = start
    let feed = SIMD32<UInt8>(repeating: 0x0A)
    while place &+ 32 <= end {
        let block = UnsafeRawPointer(base + place).loadUnaligned(as: SIMD32<UInt8>.self)
        if any(block .== feed) { break }
        place &+= 32
    }
    while place < end, base[place] != 0x0A { place &+= 1 }
    return place
}
