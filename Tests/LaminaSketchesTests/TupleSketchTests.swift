import LaminaBase
import LaminaSketches
import Testing

/// Arrays of doubles against bytes that DataSketches for Java 4.2 wrote, as Druid 33 does.
@Suite struct TupleSketchTests {
    private func built(_ range: Range<Int>, entries: Int = 16) -> TupleSketch {
        var sketch = TupleSketch(nominalEntries: entries, numberOfValues: 2)
        for number in range {
            if let hash = ThetaSketch.hash("key \(number)") { sketch.update(hash: hash, [1, Double(number)]) }
        }
        return sketch
    }

    private func sorted(_ sketch: TupleSketch) -> [[Double]] { sketch.rows.sorted { $0[1] < $1[1] } }

    /// The sketch that Java wrote and the one made here hold the same and estimate alike.
    private func expectEqual(_ mine: TupleSketch, _ text: String, _ estimate: Double, _ lower: Double, _ upper: Double)
        throws
    {
        let read = try TupleSketch(bytes: try #require(base64Decoded(text)))
        for sketch in [mine, read] {
            let found = sketch.estimate(deviations: 2)
            #expect(isClose(found.estimate, estimate))
            #expect(isClose(found.lower, lower))
            #expect(isClose(found.upper, upper))
        }
        #expect(sorted(mine) == sorted(read))
        #expect(mine.theta == read.theta)
        #expect(try sorted(TupleSketch(bytes: mine.bytes)) == sorted(read))
    }

    @Test func javasBytesAreTheSame() throws {
        #expect(base64Encoded(TupleSketch(nominalEntries: 16, numberOfValues: 2).bytes) == "AQEJAwQCzJP/////////fw==")
        let five =
            "AQEJAwgCzJP/////////fwUAAAAAAAAAKtd6P8iWcV0MWPVq3Ml1Dw4qFy285w5GsZ+xwaDVl2DVzKJiDv+9DgAAAA"
            + "AAAPA/AAAA"
            + "AAAACEAAAAAAAADwPwAAAAAAAAAAAAAAAAAA8D8AAAAAAADwPwAAAAAAAPA/AAAAAAAAEEAAAAAAAADwPwAAAAAAAA"
            + "BA"
        #expect(base64Encoded(built(0..<5).bytes) == five)
        try expectEqual(built(0..<5), five, 5, 5, 5)
        let bytes = try #require(base64Decoded(five))
        #expect(try TupleSketch(bytes: bytes).bytes == bytes)
    }

    @Test func updatableFormIsRead() throws {
        let five = [UInt8](
            try #require(
                base64Decoded(
                    "AQEJAggCzJP/////////fwQFAwAAAIA/BQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACrXej/IlnFdAAAAAAAAAAAMWPVq3Ml1DwAAAAAAAA"
                        + "AADioXLbzn"
                        + "DkYAAAAAAAAAAAAAAAAAAAAAsZ+xwaDVl2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADVzKJiDv+9DgAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAPA/AAAAAAAACEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8D8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                        + "DwPwAAAAAA"
                        + "APA/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADwPwAAAAAAABBAAAAAAAAAAAAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8D8AAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                        + "AAAAAAAAAA"
                        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
                )
            )
        )
        #expect(try sorted(TupleSketch(bytes: five)) == sorted(built(0..<5)))
    }

    @Test func setOperations() throws {
        let one = built(0..<200)
        let two = built(100..<300)
        var union = one
        try union.merge(two)
        try expectEqual(
            union,
            "AQEJAwgCzJN3kffMA76GCBAAAAAAAAAA1Pin12nOpwcDiZHAoqoxBSThFDic1PsDp/L2t8XHuQJq5ymd1bvqA6vFeg"
                + "d/vUEFbd4w"
                + "q0rsEQF3c3jaTHl8AQ+qeyTB0NoCEs9eBx67NwITUYrgrNRTB1RIaOI9gn8GNZLrM9Zz9AK4IG7U7/dGAR3qGuZlAB"
                + "YEwmmoZHI7"
                + "qQIAAAAAAADwPwAAAAAAgGlAAAAAAAAAAEAAAAAAAGBzQAAAAAAAAPA/AAAAAACATEAAAAAAAADwPwAAAAAAgElAAA"
                + "AAAAAAAEAA"
                + "AAAAAEBtQAAAAAAAAPA/AAAAAACAcEAAAAAAAADwPwAAAAAAADNAAAAAAAAAAEAAAAAAAOB2QAAAAAAAAPA/AAAAAA"
                + "CAUEAAAAAA"
                + "AAAAQAAAAAAAYHVAAAAAAAAA8D8AAAAAAABwQAAAAAAAAPA/AAAAAAAAQ0AAAAAAAADwPwAAAAAA4GpAAAAAAAAA8D"
                + "8AAAAAAGBw"
                + "QAAAAAAAAPA/AAAAAABAVkAAAAAAAADwPwAAAAAAIG5A",
            240.19693625414638,
            138.0,
            389.0
        )
        let common = try TupleSketch.intersection([one, two], nominalEntries: 16, numberOfValues: 2)
        try expectEqual(
            common,
            "AQEJAwgCzJOd/5mMO2xDCwgAAAAAAAAA0Selb/kuIAsSz14HHrs3AgOJkcCiqjEFd5H3zAO+hgh3c3jaTHl8AWrnKZ"
                + "3Vu+oDnBLZ"
                + "vSc9nAi9I7RjfGDYCQAAAAAAAABAAAAAAADAcEAAAAAAAAAAQAAAAAAAYHVAAAAAAAAAAEAAAAAAAGBzQAAAAAAAAA"
                + "BAAAAAAAAg"
                + "dEAAAAAAAAAAQAAAAAAA4HZAAAAAAAAAAEAAAAAAAEBtQAAAAAAAAABAAAAAAACgeEAAAAAAAAAAQAAAAAAAQHJA",
            90.91417376824937,
            40.0,
            178.0
        )
        try expectEqual(
            one.subtracting(two),
            "AQEJAwgCzJOd/5mMO2xDCwgAAAAAAAAAnBgVcUQcFApitLbKKsYeCiThFDic1PsDp/L2t8XHuQJt3jCrSuwRAQ+qey"
                + "TB0NoCVEho"
                + "4j2CfwYd6hrmZQAWBAAAAAAAAPA/AAAAAAAATUAAAAAAAADwPwAAAAAAgEhAAAAAAAAA8D8AAAAAAIBMQAAAAAAAAP"
                + "A/AAAAAACA"
                + "SUAAAAAAAADwPwAAAAAAADNAAAAAAAAA8D8AAAAAAIBQQAAAAAAAAPA/AAAAAAAAQ0AAAAAAAADwPwAAAAAAQFZA",
            90.91417376824937,
            40.0,
            178.0
        )
        #expect(throws: LaminaError.self) { try TupleSketch(numberOfValues: 1).subtracting(one) }
    }
}
