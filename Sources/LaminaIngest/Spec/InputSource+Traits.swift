/// What the job needs to know of an input source beyond its rows.
extension InputSource {
    /// Whether it yields bytes, which need a format; stored segments have rows of their own.
    package var needsFormat: Bool {
        switch kind {
        case .druid: false
        case .combining(let delegates): delegates.contains { $0.needsFormat }
        default: true
        }
    }

    /// Whether nothing of it comes from stored segments.
    var yieldsBytes: Bool {
        switch kind {
        case .druid: false
        case .combining(let delegates): delegates.allSatisfy { $0.yieldsBytes }
        default: true
        }
    }

    /// Whether Druid would split it over subtasks.
    package var isSplittable: Bool {
        if case .inline = kind { return false }
        return true
    }
}
