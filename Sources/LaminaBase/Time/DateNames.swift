/// The names of months, days, halves of the day and eras in one language.
///
/// Source: Joda's `GJLocaleSymbols`, which takes them from `DateFormatSymbols`.
package struct DateNames: Sendable {
    let months: [String]
    let shortMonths: [String]
    /// Monday first.
    let days: [String]
    let shortDays: [String]
    let halfDays: [String]
    let eras: [String]

    package static let english = DateNames(
        months: JodaPattern.monthNames,
        shortMonths: JodaPattern.monthNames.map { String($0.prefix(3)) },
        days: JodaPattern.dayNames,
        shortDays: JodaPattern.dayNames.map { String($0.prefix(3)) },
        halfDays: ["AM", "PM"],
        eras: ["BC", "AD"]
    )

    /// The names of a language tag (`ko`, `pt-BR`): of its country's, else of its language's form; English ones for a tag that
    /// is none or a language nobody knows, as Java's root locale has them.
    package static func named(_ tag: String) -> DateNames {
        var parts = tag.lowercased().split(separator: "-", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } }) else {
            return .english
        }
        while !parts.isEmpty {
            let known = parts.joined(separator: "-")
            if let lists = localeNames[Self.olderNames[known] ?? known] { return DateNames(lists) ?? .english }
            parts.removeLast()
        }
        return .english
    }

    /// Tags for the same language.
    private static let olderNames = [
        "no": "nb", "iw": "he", "in": "id", "zh-hk": "zh-tw", "zh-hant": "zh-tw", "tl": "fil",
    ]

    private init(
        months: [String],
        shortMonths: [String],
        days: [String],
        shortDays: [String],
        halfDays: [String],
        eras: [String]
    ) {
        self.months = months
        self.shortMonths = shortMonths
        self.days = days
        self.shortDays = shortDays
        self.halfDays = halfDays
        self.eras = eras
    }

    private init?(_ lists: [String]) {
        let names = lists.map { $0.split(separator: ";", omittingEmptySubsequences: false).map(String.init) }
        guard names.map(\.count) == [12, 12, 7, 7, 2, 2] else { return nil }
        self.init(
            months: names[0],
            shortMonths: names[1],
            days: names[2],
            shortDays: names[3],
            halfDays: names[4],
            eras: names[5]
        )
    }
}
