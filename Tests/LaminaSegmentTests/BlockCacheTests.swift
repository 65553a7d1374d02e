import LaminaBase
import LaminaSegment
import Testing

@Suite struct BlockCacheTests {
    /// A long column of uncompressed big-endian blocks, which must be copied to be read.
    private func segment(blocks: Int, cache: BlockCache) throws -> Segment {
        let perBlock = 1024
        let content = (0..<blocks).map { block in
            (0..<perBlock).flatMap { big64(Int64(block * perBlock + $0)) }
        }
        var made = HandMade(rowCount: blocks * perBlock)
        made.addMetric(
            "m",
            "LONG",
            HandMade.part("long", #""byteOrder":"BIG_ENDIAN""#),
            hex("02") + big32(blocks * perBlock) + big32(perBlock) + hex("ff") + list(content)
        )
        return try Segment.open(files: made.files(), place: "test", cache: cache)
    }

    private func sum(_ segment: Segment) throws -> Int64 {
        guard case .long(let column)? = try segment.column("m") else { return -1 }
        let reader = column.makeReader()
        var total: Int64 = 0
        var row = 0
        while row < segment.rowCount {
            let end = row + reader.contiguousRows(from: row)
            for value in try reader.read(row..<end) { total += value }
            row = end
        }
        return total
    }

    private func expected(_ segment: Segment) -> Int64 { Int64(segment.rowCount * (segment.rowCount - 1) / 2) }

    @Test func warmReadsDecodeNothing() throws {
        let cache = BlockCache(byteLimit: 1 << 20)
        let segment = try segment(blocks: 8, cache: cache)
        #expect(try sum(segment) == expected(segment))
        let cold = cache.statistics
        #expect(cold.misses == 8)
        #expect(try sum(segment) == expected(segment))
        #expect(cache.statistics.misses == 8)
        #expect(cache.statistics.hits == 8)
        #expect(cache.statistics.bytes >= 64 << 10)
    }

    @Test(arguments: [0, 1000, 20_000, 40_000])
    func theBoundHolds(_ limit: Int) throws {
        let cache = BlockCache(byteLimit: limit)
        let segment = try segment(blocks: 16, cache: cache)
        for _ in 0..<3 {
            #expect(try sum(segment) == expected(segment))
            #expect(cache.statistics.bytes <= limit)
        }
    }

    @Test func aDroppedSegmentGivesItsBytesBack() throws {
        let cache = BlockCache(byteLimit: 1 << 20)
        do {
            let segment = try segment(blocks: 4, cache: cache)
            #expect(try sum(segment) == expected(segment))
            #expect(cache.statistics.bytes > 0)
        }
        #expect(cache.statistics.bytes == 0)
    }

    /// A block that is read again and again survives a scan of others.
    @Test func usedBlocksStay() throws {
        let cache = BlockCache(byteLimit: 6 * 8400)
        let hot = try segment(blocks: 1, cache: cache)
        let scanned = try segment(blocks: 32, cache: cache)
        guard case .long(let column)? = try scanned.column("m") else { return }
        _ = try sum(hot)
        let reader = column.makeReader()
        for block in 0..<32 {
            _ = try reader.read(block << 10..<(block + 1) << 10)
            _ = try sum(hot)
        }
        #expect(cache.statistics.misses == 33)
    }

    @Test func readsAcrossBlocksAndGathers() throws {
        let segment = try segment(blocks: 3, cache: BlockCache(byteLimit: 20_000))
        guard case .long(let column)? = try segment.column("m") else { return }
        let reader = column.makeReader()
        #expect(Array(try reader.read(1000..<2100)) == Array(1000..<2100))
        #expect(reader.contiguousRows(from: 1000) == 24)
        let rows: [UInt32] = [0, 1, 1023, 1024, 1025, 2047, 3071]
        let found = try rows.withUnsafeBufferPointer { Array(try reader.gather($0)) }
        #expect(found == rows.map { Int64($0) })
    }

    /// Many threads, few bytes: everyone gets the right values.
    @Test func threadsShareTheCache() async throws {
        let cache = BlockCache(byteLimit: 50_000)
        let segment = try segment(blocks: 16, cache: cache)
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var total: Int64 = 0
                    for _ in 0..<20 { total = try sum(segment) }
                    return total
                }
            }
            for try await total in group { #expect(total == expected(segment)) }
        }
        #expect(cache.statistics.bytes <= 50_000)
    }
}
