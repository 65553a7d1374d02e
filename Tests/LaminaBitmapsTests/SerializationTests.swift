import LaminaBase
import LaminaBitmaps
import Testing

private func read(_ bytes: [UInt8]) throws(LaminaError) -> RoaringBitmap {
    let result: Result<RoaringBitmap, LaminaError> = bytes.withUnsafeBytes { raw in
        do throws(LaminaError) { return .success(try RoaringBitmap(serialized: raw)) } catch { return .failure(error) }
    }
    return try result.get()
}

private func readConcise(_ bytes: [UInt8]) throws(LaminaError) -> RoaringBitmap {
    let result: Result<RoaringBitmap, LaminaError> = bytes.withUnsafeBytes { raw in
        do throws(LaminaError) { return .success(try RoaringBitmap(concise: raw)) } catch { return .failure(error) }
    }
    return try result.get()
}

private func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { $0 != " " }.compactMap { $0.hexDigitValue }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

@Suite struct SerializationTests {
    @Test func knownPortableBytes() throws {
        #expect(
            RoaringBitmap(sorted: [0, 5, 9]).serialized() == hex("3a300000 01000000 0000 0200 10000000 0000 0500 0900")
        )
        #expect(RoaringBitmap(range: 0..<100).serialized() == hex("3b300000 01 0000 6300 0100 0000 6300"))
        // Three rows in one run are 6 bytes either way: the array stays.
        #expect(RoaringBitmap(range: 7..<10).serialized() == hex("3a300000 01000000 0000 0200 10000000 0700 0800 0900"))
        #expect(RoaringBitmap().serialized() == [])
        #expect(try read([]).isEmpty)
        #expect(try read(hex("3a300000 00000000")).isEmpty)
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func roundTrips(seed: UInt64) throws {
        var random = Seeded(seed + 300)
        let rows = RandomRows(&random)
        let bitmap = rows.bitmap(&random)
        let bytes = bitmap.serialized()
        let again = try read(bytes)
        #expect(again.rows == rows.rows)
        #expect(again == bitmap)
        #expect(again.serialized() == bytes)
        #expect(RoaringBitmap(sorted: rows.rows).serialized() == bytes)
        let concise = bitmap.conciseSerialized()
        let fromConcise = try readConcise(concise)
        #expect(fromConcise.rows == rows.rows)
        #expect(fromConcise.conciseSerialized() == concise)
        #expect(fromConcise.serialized() == bytes)
    }

    /// Fill words as Druid's appending set makes them: literals with one odd bit join the fill after them.
    @Test func knownConciseWords() throws {
        #expect(RoaringBitmap(sorted: [0]).conciseSerialized() == hex("80000001"))
        #expect(RoaringBitmap(sorted: [31]).conciseSerialized() == hex("80000000 80000001"))
        #expect(RoaringBitmap(sorted: [62]).conciseSerialized() == hex("00000001 80000001"))
        #expect(RoaringBitmap(sorted: [5, 31 * 4]).conciseSerialized() == hex("0c000003 80000001"))
        #expect(RoaringBitmap(range: 0..<31).conciseSerialized() == hex("ffffffff"))
        #expect(RoaringBitmap(range: 0..<93).conciseSerialized() == hex("40000002"))
        #expect(RoaringBitmap(range: 1..<93).conciseSerialized() == hex("42000002"))
        #expect(try readConcise(hex("42000002")).rows == Array(1..<93))
        #expect(try readConcise(hex("0c000003")).rows == [5])
    }

    /// Cut and changed bytes give an error or a set whose bytes are sound again; nothing else.
    @Test(arguments: 0..<5 as Range<UInt64>)
    func corruptBytesAreRefusedOrRead(seed: UInt64) {
        var random = Seeded(seed + 500)
        var rows = RandomRows(&random)
        rows.rows = rows.rows.filter { $0 % 3 != 0 || $0 < 66_000 }
        let bytes = rows.bitmap(&random).serialized()
        for count in bytes.indices where count > 0 && (count < 300 || count % 97 == 0) {
            #expect(throws: LaminaError.self) { try read(Array(bytes[..<count])) }
        }
        for place in bytes.indices where place < 400 || place % 53 == 0 {
            let values: [UInt8] = [0, 0xFF, bytes[place] ^ 0x10]
            for value in values where value != bytes[place] {
                var changed = bytes
                changed[place] = value
                guard let bitmap = try? read(changed) else { continue }
                #expect(bitmap.rows.count == bitmap.cardinality)
                #expect((try? read(bitmap.serialized())) == bitmap)
            }
        }
    }

    @Test func corruptConciseIsBounded() {
        #expect(throws: LaminaError.self) { try readConcise([1, 2, 3]) }
        #expect(throws: LaminaError.self) { try readConcise([UInt8](repeating: 0x41, count: 4096)) }
        #expect(throws: LaminaError.self) { try readConcise(hex("01ffffff 01ffffff 01ffffff 01ffffff")) }
    }

    @Test func hostileCountsAreRefused() {
        #expect(throws: LaminaError.self) { try read(hex("3a300000 ffffffff")) }
        #expect(throws: LaminaError.self) { try read(hex("3b30ffff 00")) }
        #expect(throws: LaminaError.self) { try read(hex("3a300000 01000000 0000 0100 10000000 0500 0500")) }
    }
}
