import LaminaBase
import Testing

@Suite struct InstantTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_325_376_000_000, "2012-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00.000Z"), (-62_198_755_200_000, "-0001-01-01T00:00:00.000Z"),
            (Int64.min / 2, "-146136543-09-08T08:23:32.096Z"), (Int64.max / 2, "146140482-04-24T15:36:27.903Z"),
        ] as [(Int64, String)]
    )
    func printsAndReads(_ instant: Int64, _ text: String) throws {
        #expect(instantText(instant) == text)
        #expect(try parseInstant(text) == instant)
    }

    @Test(arguments: [
        ("2012", "2012-01-01T00:00:00.000Z"), ("2012-03", "2012-03-01T00:00:00.000Z"),
        ("2012-3-4", "2012-03-04T00:00:00.000Z"), ("2012-03-04T05", "2012-03-04T05:00:00.000Z"),
        ("2012-03-04T05:06", "2012-03-04T05:06:00.000Z"), ("2012-03-04T05:06:07", "2012-03-04T05:06:07.000Z"),
        ("2012-03-04T05:06:07.8", "2012-03-04T05:06:07.800Z"), ("2012-03-04T05:06:07,89Z", "2012-03-04T05:06:07.890Z"),
        ("2012-03-04T05:06:07.123456789Z", "2012-03-04T05:06:07.123Z"), ("2012-03-04T05.5", "2012-03-04T05:30:00.000Z"),
        ("2012-03-04T", "2012-03-04T00:00:00.000Z"), ("2012-03-04T05:06:07+01:00", "2012-03-04T04:06:07.000Z"),
        ("2012-03-04T05:06:07-0330", "2012-03-04T08:36:07.000Z"), ("2012-03-04T05:06+01", "2012-03-04T04:06:00.000Z"),
        ("2012-366", "2012-12-31T00:00:00.000Z"), ("2012-W01-1", "2012-01-02T00:00:00.000Z"),
        ("2009-W53-7", "2010-01-03T00:00:00.000Z"), ("-0044-03-15", "-0044-03-15T00:00:00.000Z"),
    ])
    func readsShortForms(_ text: String, _ expected: String) throws {
        #expect(instantText(try parseInstant(text)) == expected)
    }

    @Test(arguments: [
        "", "x", "2012-13", "2012-02-30", "2011-366", "2012-01-01T24", "2012-01-01T00:60", "2012-01-01T00:00:60Z",
        "2012-01-01 00:00:00", "2012-01-01T00:00:00.000Zx", "2012-01-01T00:00:00.", "2010-W53-1", "99999999999-01-01",
        "2012-01-01T00:00:00+", "2012-01-01T00:00:00+99:00", "T", "2012-1a-01T00:00:00Z",
    ])
    func refusesOthers(_ text: String) {
        #expect(throws: LaminaError.self) { try parseInstant(text) }
    }

    @Test func everyDayNumberReturns() {
        for day in stride(from: -1_000_000, through: 1_000_000, by: 7) {
            #expect(CivilDate(dayNumber: day).dayNumber == day)
        }
        var previous = CivilDate(year: 1895, month: 12, day: 31)
        for day in CivilDate(year: 1896, month: 1, day: 1).dayNumber..<CivilDate(year: 1906, month: 1, day: 1).dayNumber
        {
            let date = CivilDate(dayNumber: day)
            let isNextDay = date.day == previous.day + 1 && date.month == previous.month
            let isNextMonth =
                date.day == 1 && previous.day == CivilDate.days(inMonth: previous.month, of: previous.year)
            #expect(isNextDay || isNextMonth)
            previous = date
        }
    }

    @Test func weeksFollowISO() {
        #expect(CivilDate(year: 2021, month: 1, day: 3).weekOfYear == (2020, 53))
        #expect(CivilDate(year: 2021, month: 1, day: 4).weekOfYear == (2021, 1))
        #expect(CivilDate(year: 2018, month: 12, day: 31).weekOfYear == (2019, 1))
        #expect(CivilDate(year: 1970, month: 1, day: 1).dayOfWeek == 4)
    }
}
