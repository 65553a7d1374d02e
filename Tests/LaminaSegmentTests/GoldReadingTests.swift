import LaminaBase
import LaminaSegment
import Testing

/// Every value of every segment that Druid wrote.
@Suite struct GoldReadingTests {
    @Test(arguments: GoldSegment.samples)
    func sampleReads(_ gold: GoldSegment) throws { try check(gold) }

    @Test(arguments: GoldSegment.corpus)
    func corpusReads(_ gold: GoldSegment) throws { try check(gold) }

    private func check(_ gold: GoldSegment) throws {
        let (columns, rows) = try gold.truth()
        let segment = try Segment.open(path: gold.path, cache: BlockCache(byteLimit: 1 << 24))
        #expect(segment.rowCount == rows.count)
        #expect(Set(segment.columnNames) == Set(columns))
        var row = 0
        var reported = 0
        try RowDump.write(segment) { text throws(LaminaError) in
            for line in text.split(separator: UInt8(ascii: "\n")) {
                let found = try JSONParser.parse(Array(line))
                for (index, column) in columns.enumerated() where found[column] != rows[row][index] {
                    reported += 1
                    if reported < 10 {
                        Issue.record(
                            "row \(row), \(column): \(found[column]?.text ?? "nothing") instead of \(rows[row][index].text)"
                        )
                    }
                }
                row += 1
            }
        }
        #expect(row == rows.count)
    }
}
