import LaminaBase

/// A map look-up, as it was when the query began.
package final class LookupTable: Sendable, Hashable {
    package let map: [String: String]
    /// No two keys have the same value.
    package let isOneToOne: Bool

    package init(map: [String: String], isOneToOne: Bool = false) {
        self.map = map
        self.isOneToOne = isOneToOne
    }

    /// The value of a key with the same bytes (Swift's dictionary also finds keys that only look the same).
    package func value(_ key: String) -> String? {
        guard let index = map.index(forKey: key), sameText(map[index].key, key) else { return nil }
        return map[index].value
    }

    package static func == (left: LookupTable, right: LookupTable) -> Bool {
        left === right || left.map == right.map
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(map.count) }
}

/// Finds a registered look-up by name; nil when there is none. Asked while a query is decoded.
package typealias LookupResolver = @Sendable (String) -> LookupTable?
