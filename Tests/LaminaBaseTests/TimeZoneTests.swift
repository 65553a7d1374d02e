import Glibc
import LaminaBase
import Testing

@Suite struct TimeZoneTests {
    @Test(arguments: [
        ("America/Los_Angeles", "2012-07-01T00:00:00Z", -7 * 60),
        ("America/Los_Angeles", "2012-01-01T00:00:00Z", -8 * 60),
        ("Asia/Kathmandu", "1980-01-01T00:00:00Z", 330), ("Asia/Kathmandu", "1990-01-01T00:00:00Z", 345),
        ("Europe/Berlin", "2180-07-01T00:00:00Z", 120), ("Europe/Berlin", "2500-07-01T00:00:00Z", 120),
        ("Europe/Berlin", "2500-12-01T00:00:00Z", 60), ("Australia/Sydney", "2300-01-15T00:00:00Z", 660),
        ("America/Sao_Paulo", "2018-12-01T00:00:00Z", -120), ("America/Sao_Paulo", "2022-12-01T00:00:00Z", -180),
        ("Europe/Dublin", "2024-07-01T00:00:00Z", 60), ("Africa/Casablanca", "2026-02-01T00:00:00Z", 60),
        ("+05:30", "2012-01-01T00:00:00Z", 330), ("-0330", "2012-01-01T00:00:00Z", -210),
        ("UTC", "2012-01-01T00:00:00Z", 0),
    ])
    func offsets(_ name: String, _ instant: String, _ minutes: Int) throws {
        #expect(try TimeZoneRules.named(name).offset(at: parseInstant(instant)) == Int64(minutes) * 60_000)
    }

    @Test(arguments: ["", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "+25:00", "+5x", "America", "PST9"])
    func refusesOthers(_ name: String) {
        #expect(throws: LaminaError.self) { try TimeZoneRules.named(name) }
    }

    /// The C library reads the same files by its own code.
    @Test(arguments: [
        "America/New_York", "Europe/London", "Asia/Tehran", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia",
    ])
    func agreesWithTheSystem(_ name: String) throws {
        let zone = try TimeZoneRules.named(name)
        try ZoneLock.shared.with(name) {
            for seconds in stride(from: -1_500_000_000, through: 7_000_000_000, by: 1_000_003) {
                var moment = time_t(seconds)
                var parts = tm()
                localtime_r(&moment, &parts)
                try #require(zone.offset(at: Int64(seconds) * 1000) == Int64(parts.tm_gmtoff) * 1000, "at \(seconds)")
            }
        }
    }

    @Test func gapsAndOverlaps() throws {
        let zone = try TimeZoneRules.named("America/Los_Angeles")
        let gap = try parseInstant("2012-03-11T02:30:00Z")
        #expect(instantText(zone.instant(ofLocal: gap), zone: zone) == "2012-03-11T03:30:00.000-07:00")
        let overlap = try parseInstant("2012-11-04T01:30:00Z")
        #expect(instantText(zone.instant(ofLocal: overlap), zone: zone) == "2012-11-04T01:30:00.000-07:00")
        let later = zone.instant(ofLocal: overlap, preferring: -8 * 3_600_000)
        #expect(instantText(later, zone: zone) == "2012-11-04T01:30:00.000-08:00")
    }

    @Test func transitionsAreFound() throws {
        let zone = try TimeZoneRules.named("Europe/Berlin")
        let next = try #require(zone.nextTransition(after: try parseInstant("2024-01-01")))
        #expect(instantText(next) == "2024-03-31T01:00:00.000Z")
        let far = try #require(zone.nextTransition(after: try parseInstant("2600-06-01")))
        #expect(CivilDate(dayNumber: Int(far / 86_400_000)).month == 10)
        #expect(TimeZoneRules.utc.nextTransition(after: 0) == nil)
    }
}

/// `TZ` belongs to the whole process, so that tests take turns.
private final class ZoneLock: @unchecked Sendable {
    static let shared = ZoneLock()
    private var mutex = pthread_mutex_t()

    private init() { pthread_mutex_init(&mutex, nil) }

    func with(_ name: String, _ body: () throws -> Void) throws {
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        setenv("TZ", name, 1)
        tzset()
        defer {
            unsetenv("TZ")
            tzset()
        }
        try body()
    }
}
