package import LaminaBase
package import LaminaMetadata
package import LaminaQuery

/// The configured look-ups, kept in the metadata store, and the tables of those that Lamina can load (`map`).
///
/// A query takes a table when it is decoded, so a change never reaches into a running query.
///
/// - Source: Druid's `LookupCoordinatorManager`; druid-surface 12.
package final class LookupStore: Sendable {
    private struct State: Sendable {
        /// By tier, by name: `{"version", "lookupExtractorFactory"}`. nil before the first update ever.
        var config: [String: [String: JSON]]?
        var tables: [String: LookupTable] = [:]
    }

    private let metadata: MetadataStore
    private let state: Monitor<State>
    private static let configName = "lookups"
    package static let defaultTier = "__default"

    package init(metadata: MetadataStore) throws(LaminaError) {
        self.metadata = metadata
        var config: [String: [String: JSON]]?
        if let stored = try metadata.config(Self.configName) {
            var tiers: [String: [String: JSON]] = [:]
            for tier in try JSONParser.parse(stored).objectValue?.entries ?? [] {
                tiers[tier.key] = Dictionary(
                    (tier.value.objectValue?.entries ?? []).map { ($0.key, $0.value) },
                    uniquingKeysWith: { $1 }
                )
            }
            config = tiers
        }
        state = Monitor(State(config: config, tables: Self.tables(of: config ?? [:])))
    }

    /// By tier, by name; nil before the first update ever.
    package var config: [String: [String: JSON]]? { state.read { $0.config } }

    /// A loaded look-up.
    package func table(_ name: String) -> LookupTable? { state.read { $0.tables[name] } }

    /// What the query decoder asks.
    package var resolver: LookupResolver { { [self] name in table(name) } }

    /// Adds and replaces look-ups of several tiers at once: all of them or, when one is refused, none.
    ///
    /// - Errors: a version that is not greater than the present one; a spec without its factory.
    package func update(_ changes: [String: [String: JSON]]) throws(LaminaError) {
        try change { config throws(LaminaError) in
            for (tier, lookups) in changes {
                for (name, spec) in lookups {
                    guard spec["lookupExtractorFactory"]?.objectValue != nil else {
                        throw .invalidInput("Look-up [\(name)] needs a lookupExtractorFactory")
                    }
                    if let present = config[tier]?[name], !Self.replaces(spec, present) {
                        throw LaminaError(
                            .uncategorized,
                            code: "lookupVersion",
                            "given update for lookup [\(tier)]:[\(name)] can't replace existing spec [\(present.text)]."
                        )
                    }
                    config[tier, default: [:]][name] = spec
                }
            }
            return true
        }
    }

    /// Removes one look-up, or with `name` nil a whole tier; false when there is none.
    package func remove(tier: String, name: String?) throws(LaminaError) -> Bool {
        var found = false
        try change { config throws(LaminaError) in
            if let name {
                found = config[tier]?.removeValue(forKey: name) != nil
            } else {
                found = config.removeValue(forKey: tier) != nil
            }
            return found
        }
        return found
    }

    /// A newer version replaces an older one; versions are compared as text, a missing one is oldest.
    private static func replaces(_ spec: JSON, _ present: JSON) -> Bool {
        guard let old = present["version"]?.stringValue else { return true }
        guard let new = spec["version"]?.stringValue else { return false }
        return new > old
    }

    /// Changes and stores the configuration under the lock, so that store and memory never disagree.
    private func change(_ body: (inout [String: [String: JSON]]) throws(LaminaError) -> Bool) throws(LaminaError) {
        try state.update { state throws(LaminaError) in
            var config = state.config ?? [:]
            guard try body(&config) else { return }
            var stored = JSONObject()
            for (tier, lookups) in config.sorted(by: { $0.key < $1.key }) {
                stored[tier] = .object(JSONObject(lookups.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
            }
            try metadata.setConfig(Self.configName, Array(JSON.object(stored).text.utf8))
            state = State(config: config, tables: Self.tables(of: config))
        }
    }

    private static func tables(of config: [String: [String: JSON]]) -> [String: LookupTable] {
        var tables: [String: LookupTable] = [:]
        for (name, spec) in config[defaultTier] ?? [:] {
            guard let factory = spec["lookupExtractorFactory"], factory["type"] == "map",
                let map = factory["map"]?.objectValue
            else { continue }
            var values: [String: String] = [:]
            for entry in map.entries {
                values[entry.key] = entry.value.stringValue ?? (entry.value.isNull ? nil : entry.value.text)
            }
            tables[name] = LookupTable(map: values, isOneToOne: factory["isOneToOne"]?.boolValue ?? false)
        }
        return tables
    }
}
