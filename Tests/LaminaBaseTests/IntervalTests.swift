import LaminaBase
import Testing

@Suite struct IntervalTests {
    @Test(arguments: [
        ("2012-01-01/2012-01-02", "2012-01-01T00:00:00.000Z/2012-01-02T00:00:00.000Z"),
        ("2012/P1M", "2012-01-01T00:00:00.000Z/2012-02-01T00:00:00.000Z"),
        ("P1M/2012-03-31", "2012-02-29T00:00:00.000Z/2012-03-31T00:00:00.000Z"),
        ("2012-01-31/P1M", "2012-01-31T00:00:00.000Z/2012-02-29T00:00:00.000Z"),
        ("2012-01-01T00+01:00/PT1H", "2011-12-31T23:00:00.000Z/2012-01-01T00:00:00.000Z"),
        ("2012-01-01/P1Y2M1W3DT4H5M6.007S", "2012-01-01T00:00:00.000Z/2013-03-11T04:05:06.007Z"),
        ("2012-01-01/2012-01-01", "2012-01-01T00:00:00.000Z/2012-01-01T00:00:00.000Z"),
        (
            "-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z",
            "-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z"
        ),
    ])
    func readsEveryForm(_ text: String, _ expected: String) throws {
        #expect(try Interval(parsing: text).text == expected)
    }

    @Test(arguments: [
        "", "2012", "2012/", "/2012", "P1D/P1D", "2012-01-02/2012-01-01", "2012/x", "P1X/2012", "2012/PT", "2012/P",
        "a/b/c",
    ])
    func refusesOthers(_ text: String) {
        #expect(throws: LaminaError.self) { try Interval(parsing: text) }
    }

    @Test func eternityIsDruids() throws {
        #expect(try Interval(parsing: Interval.eternity.text) == .eternity)
    }

    @Test func hugePeriodsDoNotTrap() throws {
        #expect(try Interval(parsing: "2012/P999999999Y").end == .max)
        #expect(try Interval(parsing: "P999999999W/2012").start < 0)
    }

    @Test func condensingJoinsAndSorts() throws {
        let texts = [
            "2012-01-03/2012-01-05", "2012-01-01/2012-01-02", "2012-01-02/2012-01-03", "2012-01-07/2012-01-08",
            "2012-01-04/2012-01-04",
        ]
        var intervals: [Interval] = []
        for text in texts { intervals.append(try Interval(parsing: text)) }
        #expect(
            Interval.condensed(intervals).map(\.text) == [
                "2012-01-01T00:00:00.000Z/2012-01-05T00:00:00.000Z",
                "2012-01-07T00:00:00.000Z/2012-01-08T00:00:00.000Z",
            ]
        )
    }

    @Test(arguments: ["P1D", "P1Y2M3W4DT5H6M7S", "PT0S", "PT1.500S", "PT-0.500S", "P-1D", "PT36H"])
    func periodsPrintAsRead(_ text: String) throws {
        #expect(try ISOPeriod(parsing: text).text == text)
    }

    @Test(arguments: ["", "P", "PT", "1D", "P1", "P1H", "PT1D", "P1DT", "P1.5D", "P1D1Y", "P1D1D", "P1Dx"])
    func periodsRefuseOthers(_ text: String) {
        #expect(throws: LaminaError.self) { try ISOPeriod(parsing: text) }
    }
}
