/// How strings compare in bounds, limits and topN. Source: Druid's `StringComparators`.
package enum StringOrdering: String, Sendable, Hashable, CaseIterable {
    /// UTF-16 code unit order.
    case lexicographic
    /// Numbers inside the text compare by value, before letters; letter case ignored.
    case alphanumeric
    /// By numeric value; texts that are no numbers come first, among themselves lexicographic.
    case numeric
    /// By length in UTF-16 units, then lexicographic.
    case strlen
    /// As Maven orders versions.
    case version
    /// The column type's own order; strings compare lexicographically.
    case natural

    /// Decodes a name or `{"type": name}`.
    package init(json: JSON) throws(LaminaError) {
        let name = json.stringValue ?? json["type"]?.stringValue
        guard let name, let ordering = StringOrdering(rawValue: name.lowercased()) else {
            throw .invalidInput(
                "Unknown ordering \(json.text): expected lexicographic, alphanumeric, numeric, strlen, version or natural",
                context: ["ordering": json.text]
            )
        }
        self = ordering
    }

    package var json: JSON { ["type": .string(rawValue)] }

    /// Negative, zero or positive; null comes first.
    package func compare(_ left: String?, _ right: String?) -> Int {
        guard let left else { return right == nil ? 0 : -1 }
        guard let right else { return 1 }
        switch self {
        case .lexicographic, .natural: return javaCompare(left, right)
        case .alphanumeric: return compareAlphanumeric(left, right)
        case .numeric: return compareNumeric(left, right)
        case .strlen:
            let (leftCount, rightCount) = (left.utf16.count, right.utf16.count)
            return leftCount != rightCount ? (leftCount < rightCount ? -1 : 1) : javaCompare(left, right)
        case .version: return MavenVersion(left).compare(MavenVersion(right))
        }
    }
}
