import LaminaBase
import LaminaSketches
import Testing

@Suite struct BloomKFilterTests {
    /// The bits were computed apart from this code, from the published definition of Hive's filter and hash.
    @Test func `Values of all types set Hive's bits`() throws {
        var filter = try BloomKFilter(maxEntries: 10)
        for text in ["DE", "Zürich", "ten bytes.", "exactly8"] { filter.add(text) }
        filter.addNull()
        filter.add(Int64(-5))
        filter.add(Int64(1) << 40)
        filter.add(2.5)
        filter.add(Float(1.5))
        let wanted = "BAAAAAgAAAIEAAAEABAAAAJAAAAAAAAAAQAAQAAAAIQAAABABAEIAABIQAAAAAAAFCUMAAAACIBAACAACAACCAAEEEEA"
        #expect(base64Encoded(filter.bytes) == wanted)
        #expect(try BloomKFilter(bytes: filter.bytes) == filter)
        #expect(filter.mayContain("Zürich") && filter.mayContain(Int64(-5)) && filter.mayContain(2.5))
        #expect(filter.mayContain(Float(1.5)) && filter.mayContainNull())
    }

    @Test func `Nothing is missed and one in twenty is wrong`() throws {
        var filter = try BloomKFilter(maxEntries: 5000)
        for number in 0..<5000 { filter.add("value \(number)") }
        #expect((0..<5000).allSatisfy { filter.mayContain("value \($0)") })
        let wrong = (5000..<25_000).count { filter.mayContain("value \($0)") }
        #expect(wrong > 0 && Double(wrong) / 20_000 < 0.1)
        #expect(!(try BloomKFilter(maxEntries: 1)).mayContainNull())
    }

    @Test func `Filters of one size merge`() throws {
        var (one, other) = (try BloomKFilter(maxEntries: 100), try BloomKFilter(maxEntries: 100))
        one.add("a")
        other.add("b")
        try one.merge(same: other)
        #expect(one.mayContain("a") && one.mayContain("b"))
        #expect(throws: LaminaError.self) { try one.merge(same: try BloomKFilter(maxEntries: 10_000)) }
        #expect(throws: LaminaError.self) { try BloomKFilter(maxEntries: 0) }
        #expect(throws: LaminaError.self) { try BloomKFilter(maxEntries: Int.max) }
    }
}
