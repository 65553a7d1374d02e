import LaminaBase

/// Rows under named columns, printed as an aligned table or as CSV.
struct TextTable: Sendable {
    var columns: [String] = []
    var rows: [[JSON]] = []

    /// The widest cell before it is cut.
    static let widthMax = 60

    /// A table with numbers to the right and long text cut; `null` is told from an empty string.
    /// - Parameter cutting: false keeps long cells whole.
    func text(cutting: Bool = true) -> String {
        guard !columns.isEmpty else { return "(no rows)\n" }
        let timeColumn = columns.firstIndex(of: "__time")
        let shown = rows.map { row in
            row.enumerated().map { index, value in
                // Scan answers times in milliseconds, which nobody reads.
                index == timeColumn ? value.intValue.map { .string(instantText($0)) } ?? value : value
            }
        }
        let cells = shown.map { row in
            row.map { cutting ? Self.cut(printable(Self.cell($0))) : printable(Self.cell($0)) }
        }
        var widths = columns.map { displayWidth($0) }
        for row in cells {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], displayWidth(cell)) }
        }
        let numeric = columns.indices.map { index in
            shown.allSatisfy { $0[index].doubleValue != nil || $0[index].isNull }
                && shown.contains { !$0[index].isNull }
        }
        var text = line(columns.map(printable), widths, numeric)
        text += widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ") + "\n"
        for row in cells { text += line(row, widths, numeric) }
        return text + "(\(counted(Int64(rows.count), "row")))\n"
    }

    /// RFC 4180 with a header line; null is an empty field.
    func csv() -> String {
        var text = columns.map(Self.quoted).joined(separator: ",") + "\r\n"
        for row in rows {
            text += row.map { $0.isNull ? "" : Self.quoted(Self.cell($0)) }.joined(separator: ",") + "\r\n"
        }
        return text
    }

    private func line(_ cells: [String], _ widths: [Int], _ numeric: [Bool]) -> String {
        var parts: [String] = []
        for (index, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: max(0, widths[index] - displayWidth(cell)))
            parts.append(numeric[index] ? padding + cell : cell + padding)
        }
        var text = parts.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text + "\n"
    }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: "null"
        case .string(let text): text
        default: value.text
        }
    }

    private static func cut(_ text: String) -> String {
        guard displayWidth(text) > widthMax else { return text }
        var short = text
        while displayWidth(short) > widthMax - 1 { short.removeLast() }
        return short + "…"
    }

    private static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else {
            return text
        }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
