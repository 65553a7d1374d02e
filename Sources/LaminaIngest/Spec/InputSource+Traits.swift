/// What the job needs to know of an input source beyond its rows.
extension InputSource {
    /// Every source Lamina has yields bytes, which need a format.
    package var needsFormat: Bool { true }

    /// Whether Druid would split it over subtasks.
    package var isSplittable: Bool {
        if case .inline = kind { return false }
        return true
    }
}
