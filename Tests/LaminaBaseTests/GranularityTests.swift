import LaminaBase
import Testing

@Suite struct GranularityTests {
    private func granularity(_ json: String) throws -> Granularity { try Granularity(json: JSONParser.parse(json)) }

    @Test(arguments: [
        (#""day""#, "2024-05-04T13:14:15.678Z", "2024-05-04T00:00:00.000Z"),
        (#""WEEK""#, "2024-05-04T13:14:15.678Z", "2024-04-29T00:00:00.000Z"),
        (#""quarter""#, "2024-05-04T13:14:15.678Z", "2024-04-01T00:00:00.000Z"),
        (#""year""#, "1969-05-04T13:14:15.678Z", "1969-01-01T00:00:00.000Z"),
        (#""fifteen_minute""#, "1969-05-04T13:14:15.678Z", "1969-05-04T13:00:00.000Z"),
        (#""six_hour""#, "1969-12-31T23:00:00.000Z", "1969-12-31T18:00:00.000Z"),
        (#""none""#, "2024-05-04T13:14:15.678Z", "2024-05-04T13:14:15.678Z"),
        (#"{"type":"duration","duration":"7200000"}"#, "2024-05-04T13:14:15Z", "2024-05-04T12:00:00.000Z"),
        (
            #"{"type":"duration","duration":7200000,"origin":"2012-01-01T00:30:00Z"}"#, "2024-05-04T13:14:15Z",
            "2024-05-04T12:30:00.000Z"
        ),
        (#"{"type":"period","period":"P2W"}"#, "1970-01-20T00:00:00Z", "1970-01-15T00:00:00.000Z"),
        (#"{"type":"period","period":"P2D"}"#, "1969-12-31T23:00:00Z", "1969-12-30T00:00:00.000Z"),
        (#"{"type":"period","period":"P3M"}"#, "1969-12-31T23:00:00Z", "1969-10-01T00:00:00.000Z"),
        (
            #"{"type":"period","period":"P1M","origin":"2012-01-10T00:00:00Z"}"#, "2012-03-09T23:00:00Z",
            "2012-02-10T00:00:00.000Z"
        ),
        (
            #"{"type":"period","period":"P1W","origin":"2024-01-03T00:00:00Z"}"#, "2024-01-02T00:00:00Z",
            "2023-12-27T00:00:00.000Z"
        ),
        (
            #"{"type":"period","period":"P1D","timeZone":"Asia/Seoul","origin":"2012-01-01T06:00:00+09:00"}"#,
            "2012-03-04T05:00:00+09:00", "2012-03-03T06:00:00.000+09:00"
        ),
        (
            #"{"type":"period","period":"P1D","timeZone":"America/Los_Angeles"}"#, "2012-03-11T20:00:00Z",
            "2012-03-11T00:00:00.000-08:00"
        ),
        (
            #"{"type":"period","period":"PT1H","timeZone":"Asia/Kathmandu"}"#, "2024-03-11T20:00:00Z",
            "2024-03-12T01:00:00.000+05:45"
        ),
        (
            #"{"type":"period","period":"PT6H","timeZone":"America/Los_Angeles"}"#, "2012-07-01T12:00:00Z",
            "2012-07-01T01:00:00.000-07:00"
        ),
        (#"{"type":"period","period":"P1DT12H"}"#, "1970-01-02T13:00:00Z", "1970-01-02T12:00:00.000Z"),
        (#"{"type":"period","period":"P1M1D"}"#, "1970-02-28T00:00:00Z", "1970-02-02T00:00:00.000Z"),
        (#"{"type":"period","period":"P1M1D"}"#, "1969-12-15T00:00:00Z", "1969-11-30T00:00:00.000Z"),
    ])
    func bucketStarts(_ json: String, _ instant: String, _ start: String) throws {
        let granularity = try granularity(json)
        #expect(granularity.timestampText(granularity.bucketStart(try parseInstant(instant))) == start)
    }

    @Test func daysOfDaylightSavingHave23And25Hours() throws {
        let day = try granularity(#"{"type":"period","period":"P1D","timeZone":"America/Los_Angeles"}"#)
        let spring = day.bucket(try parseInstant("2012-03-11T20:00:00Z"))
        let autumn = day.bucket(try parseInstant("2012-11-04T20:00:00Z"))
        #expect(spring.milliseconds == 23 * 3_600_000)
        #expect(autumn.milliseconds == 25 * 3_600_000)
    }

    @Test func bucketsCoverAnInterval() throws {
        let interval = try Interval(parsing: "2012-01-01T12:00/2012-03-10")
        let months = Array(Granularity.month.buckets(in: interval)).map { instantText($0.start) }
        #expect(months == ["2012-01-01T00:00:00.000Z", "2012-02-01T00:00:00.000Z", "2012-03-01T00:00:00.000Z"])
        #expect(Array(Granularity.all.buckets(in: interval)) == [interval])
        #expect(Array(Granularity.day.buckets(in: Interval(start: 5, end: 5))).isEmpty)
        // Lazy: eternity by milliseconds must not be made whole.
        #expect(Array(Granularity.none.buckets(in: .eternity).prefix(2)).count == 2)
    }

    /// Every instant lies in its bucket, the bucket's own start is its start, and the next bucket begins at its end.
    @Test(arguments: [
        #""week""#, #"{"type":"period","period":"P1D","timeZone":"America/Sao_Paulo"}"#,
        #"{"type":"period","period":"P1M","timeZone":"Asia/Beirut"}"#,
        #"{"type":"period","period":"P3D","timeZone":"Europe/Berlin"}"#,
        #"{"type":"period","period":"PT2H","timeZone":"America/New_York"}"#,
        #"{"type":"period","period":"P2M","origin":"2012-01-31T00:00:00Z"}"#,
        #"{"type":"period","period":"P1W","timeZone":"Australia/Sydney","origin":"2030-01-01T05:00:00Z"}"#,
        #"{"type":"duration","duration":12345}"#,
        #"{"type":"period","period":"P1M1D","timeZone":"Europe/Berlin"}"#,
        #"{"type":"period","period":"P1DT12H","timeZone":"America/Los_Angeles"}"#,
        #"{"type":"period","period":"PT1H30M","timeZone":"America/Los_Angeles"}"#,
    ])
    func bucketsPartition(_ json: String) throws {
        let granularity = try granularity(json)
        for instant in stride(from: Int64(-1_000_000_000_000), to: 2_500_000_000_000, by: 11_234_567_891) {
            let bucket = granularity.bucket(instant)
            try #require(bucket.contains(instant), "\(instantText(instant)) not in \(bucket.text)")
            #expect(granularity.bucketStart(bucket.start) == bucket.start)
            #expect(granularity.bucketStart(bucket.end - 1) == bucket.start)
            if let uniform = granularity.uniform {
                #expect(bucket.milliseconds == uniform.milliseconds)
                #expect((bucket.start - uniform.origin) % uniform.milliseconds == 0)
            }
        }
    }

    @Test(arguments: [
        (#""day""#, #""DAY""#), (#""all""#, #"{"type":"all"}"#), (#"{"type":"none"}"#, #"{"type":"none"}"#),
        (#"{"type":"period","period":"P1D"}"#, #""DAY""#), (#"{"type":"period","period":"P3M"}"#, #""QUARTER""#),
        (
            #"{"type":"period","period":"P1D","timeZone":"Asia/Seoul"}"#,
            #"{"type":"period","period":"P1D","timeZone":"Asia/Seoul","origin":null}"#
        ),
        (
            #"{"type":"duration","duration":1000}"#,
            #"{"type":"duration","duration":1000,"origin":"1970-01-01T00:00:00.000Z"}"#
        ),
    ])
    func printsDruidsForm(_ json: String, _ expected: String) throws {
        let decoded = try granularity(json)
        #expect(decoded.json.text == expected)
        #expect(try Granularity(json: decoded.json) == decoded)
    }

    @Test(arguments: [
        #""fortnight""#, #"{"type":"period","period":"1D"}"#, #"{"type":"period"}"#,
        #"{"type":"duration","duration":0}"#,
        #"{"type":"period","period":"PT0S"}"#, #"{"type":"x"}"#, "3",
        #"{"type":"duration","duration":-5}"#, #"{"type":"period","period":"P-1D"}"#,
    ])
    func refusesOthers(_ json: String) {
        #expect(throws: LaminaError.self) { try granularity(json) }
    }

    /// Zones go by Joda's names, then Java's; what neither knows is UTC.
    @Test func zonesNobodyKnowsAreUTC() throws {
        for (name, zone) in [("Mars/One", "UTC"), ("PST", "America/Los_Angeles"), ("GMT+9", "+09:00")] {
            let json = #"{"type":"period","period":"P1D","timeZone":"\#(name)"}"#
            #expect(try granularity(json).zone.id == zone)
        }
    }

    /// Any interval comes with a request: a bucket of the most distant time must be found as fast as one of today.
    @Test(arguments: ["P1M1D", "P1DT12H", "P2W", "P1D", "P7Y", "PT1H30M", "P1Y1W"])
    func distantTimesAreFound(_ period: String) throws {
        let granularity = try granularity(#"{"type":"period","period":"\#(period)","timeZone":"America/Los_Angeles"}"#)
        for instant in [Interval.eternity.start, Interval.eternity.end] {
            #expect(granularity.bucketStart(instant) <= instant)
        }
        #expect(granularity.bucketStart(.min) == granularity.bucketStart(Interval.eternity.start))
        #expect(granularity.bucketStart(.max) == granularity.bucketStart(Interval.eternity.end))
        let first = try #require(Array(granularity.buckets(in: .eternity).prefix(3)).first)
        #expect(first.end > Interval.eternity.start)
    }
}
