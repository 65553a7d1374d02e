import LaminaBase
import Testing

@Suite struct JodaPatternTests {
    @Test(arguments: [
        ("yyyy-MM-dd HH:mm:ss", "2024-05-06 07:08:09", "2024-05-06T07:08:09.000Z"),
        ("yyyyMMdd", "20240506", "2024-05-06T00:00:00.000Z"), ("MM/dd/yy", "05/06/24", "2024-05-06T00:00:00.000Z"),
        ("d MMM yyyy", "6 may 2024", "2024-05-06T00:00:00.000Z"),
        ("MMMM d, yyyy", "January 2, 2024", "2024-01-02T00:00:00.000Z"),
        ("EEE, dd MMM yyyy HH:mm:ss Z", "Mon, 06 May 2024 07:08:09 +0200", "2024-05-06T05:08:09.000Z"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "2024-05-06T07:08:09.123-07:00", "2024-05-06T14:08:09.123Z"),
        ("hh:mm a dd/MM/yyyy", "12:30 AM 06/05/2024", "2024-05-06T00:30:00.000Z"),
        ("hh:mm a dd/MM/yyyy", "01:30 PM 06/05/2024", "2024-05-06T13:30:00.000Z"),
        ("yyyy-MM-dd HH:mm ZZZ", "2024-05-06 07:08 America/Los_Angeles", "2024-05-06T14:08:00.000Z"),
        ("yyyy-MM-dd z", "2024-01-06 PST", "2024-01-06T08:00:00.000Z"),
        ("yyyy.DDD", "2024.060", "2024-02-29T00:00:00.000Z"),
        ("xxxx-'W'ww-e", "2024-W19-1", "2024-05-06T00:00:00.000Z"), ("H:mm", "7:08", "1970-01-01T07:08:00.000Z"),
        ("MM-dd", "02-29", "2000-02-29T00:00:00.000Z"),
        ("yyyy 'o''clock' HH", "2024 o'clock 07", "2024-01-01T07:00:00.000Z"),
    ])
    func parses(_ pattern: String, _ text: String, _ expected: String) throws {
        let instant = try #require(try JodaPattern(pattern).parse(text))
        #expect(instantText(instant) == expected)
    }

    @Test(arguments: [
        ("yyyy-MM-dd", "2024-02-30"), ("yyyy-MM-dd", "2024-05-06x"), ("yyyy-MM-dd", "2024/05/06"), ("HH", "24"),
        ("d MMM yyyy", "6 mai 2024"), ("yyyy-MM-dd", ""), ("hh a", "13 PM"), ("yyyy Z", "2024 Nowhere"),
    ])
    func refusesOthers(_ pattern: String, _ text: String) throws {
        #expect(try JodaPattern(pattern).parse(text) == nil)
    }

    @Test(arguments: [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "2024-05-06T00:08:09.123-07:00"), ("yy/M/d", "24/5/6"),
        ("EEEE EEE", "Monday Mon"),
        ("MMMM MMM", "May May"), ("h:mm a", "12:08 AM"), ("kk KK", "24 00"), ("DDD w e", "127 19 1"), ("G C", "AD 20"),
        ("SSSSS", "12300"), ("Z ZZZ", "-0700 America/Los_Angeles"), ("z", "PDT"), ("'quoted' y", "quoted 2024"),
    ])
    func prints(_ pattern: String, _ expected: String) throws {
        let zone = try TimeZoneRules.named("America/Los_Angeles")
        #expect(try JodaPattern(pattern).format(parseInstant("2024-05-06T07:08:09.123Z"), zone: zone) == expected)
    }

    @Test(arguments: ["", "yyyy-bb", "T", "yyyyQ"]) func patternsThatAreNone(_ pattern: String) {
        #expect(throws: LaminaError.self) { try JodaPattern(pattern) }
    }
}
