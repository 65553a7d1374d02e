import LaminaBase
import LaminaQuery

/// The `regex` format: every line must match from end to end; the groups are the columns.
///
/// Source: `RegexInputFormat`, `RegexReader`.
struct RegexFormat: Sendable {
    private let regex: Regex
    private let columns: [String]
    private let listDelimiter: [UInt8]

    init(_ fields: SpecFields) throws(LaminaError) {
        guard let pattern = try fields.string("pattern") else { throw fields.missing("pattern") }
        regex = try Regex(pattern)
        let columns = try fields.strings("columns")
        self.columns = columns.isEmpty ? (0..<regex.groupCount).map { "column_\($0 + 1)" } : columns
        listDelimiter = Array((try fields.string("listDelimiter") ?? "\u{1}").utf8)
    }

    func parse(_ builder: BatchBuilder) {
        let chunk = builder.chunk
        chunk.repairUTF8()
        let targets = columns.prefix(regex.groupCount).map { builder.column($0) }
        var start = chunk.start
        var line = 0
        while start < chunk.length {
            var end = start
            while end < chunk.length, chunk.bytes[end] != 0x0A { end += 1 }
            let next = min(end + 1, chunk.length)
            if end < chunk.length, end > start, chunk.bytes[end - 1] == 0x0D { end -= 1 }
            let text = UnsafeBufferPointer(start: UnsafePointer(chunk.base + start), count: end - start)
            if let groups = regex.wholeMatch(in: text) {
                let row = builder.rowCount
                for (index, column) in targets.enumerated() {
                    guard let column else { continue }
                    guard let range = groups[index + 1] else {
                        column.set(row, kind: FieldKind.null, payload: 0)
                        continue
                    }
                    setListOrText(builder, column, row: row, start: start + range.lowerBound, length: range.count)
                }
                builder.rowCount += 1
            } else {
                builder.addBad(beforeRow: builder.rowCount, line: line, start: start, length: end - start)
            }
            line += 1
            start = next
        }
    }

    private func setListOrText(_ builder: BatchBuilder, _ column: FieldColumn, row: Int, start: Int, length: Int) {
        let text = UnsafeRawBufferPointer(rebasing: builder.chunk.bytes[start..<start + length])
        if let parts = splitList(text, listDelimiter) {
            builder.set(column, row: row, .array(parts.map { .string($0) }))
        } else {
            column.setText(row, kind: FieldKind.string, start: start, length: length)
        }
    }
}

/// The parts of a text around a delimiter; nil when it does not have it.
func splitList(_ text: UnsafeRawBufferPointer, _ delimiter: [UInt8]) -> [String]? {
    guard !delimiter.isEmpty, text.count >= delimiter.count else { return nil }
    var parts: [String] = []
    var start = 0
    var place = 0
    while place + delimiter.count <= text.count {
        if text[place] == delimiter[0], text[place..<place + delimiter.count].elementsEqual(delimiter) {
            parts.append(String(decoding: text[start..<place], as: UTF8.self))
            place += delimiter.count
            start = place
        } else {
            place += 1
        }
    }
    if parts.isEmpty { return nil }
    parts.append(String(decoding: text[start...], as: UTF8.self))
    return parts
}
