import Glibc
package import LaminaBase

/// Something that answers queries and is compared with the oracle.
package protocol OracleComparison {
    var oracle: NaiveOracle { get }

    /// Where its answer differs from the oracle's; nil when it does not, or when both refuse. Errors begin with `error `, also
    /// behind the name of a layout and a colon.
    func difference(_ query: JSON) -> String?
}

extension OracleComparison {
    /// Whether the oracle refuses the query.
    package func isRefused(_ query: JSON) -> Bool { (try? oracle.answer(query)) == nil }

    /// What to print of a query that differs: how to repeat it, and the smallest query that still differs.
    package func report(_ query: JSON, _ difference: String, case number: Int, suite: String) -> String {
        let small = shrunkQuery(query) { smaller in
            guard !isRefused(smaller), let found = self.difference(smaller) else { return false }
            return !found.hasPrefix("error ") && !found.contains(": error ") && !found.hasPrefix("the oracle")
        }
        return """
            case \(number): LAMINA_SEED=\(number) swift test --filter \(suite)
              query: \(query.text)
              first difference: \(difference)
              smallest query that differs: \(small.text)
              its difference: \(self.difference(small) ?? "")
            """
    }
}

/// The cases to run: `LAMINA_SEED` names one alone; `LAMINA_FIRST` and `LAMINA_CASES` choose others than the first ones.
package func oracleCases(usual: Int, long: Int) -> Range<Int> {
    func setting(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }
    if let only = setting("LAMINA_SEED") { return only..<only + 1 }
    let first = setting("LAMINA_FIRST") ?? 0
    return first..<first + (setting("LAMINA_CASES") ?? (getenv("LAMINA_LONG") == nil ? usual : long))
}

/// An answer without the times of its one bucket, which are those of segments, not of rows.
package func withoutSegmentTimes(_ answer: JSON, of query: JSON) -> JSON {
    let isOne = query["queryType"] == "search" || query["granularity"] == "all"
    guard isOne, let elements = answer.arrayValue else { return answer }
    if elements.isEmpty, query["queryType"] == "search" { return [["timestamp": "…", "result": []]] }
    return .array(
        elements.map { element in
            guard var object = element.objectValue, object["result"] != nil else { return element }
            object["timestamp"] = "…"
            return .object(object)
        }
    )
}
