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

    /// Whether it is bytes of entities alone: nothing of it comes from stored segments or streams.
    var yieldsBytes: Bool {
        switch kind {
        case .druid, .kafka: false
        case .combining(let delegates): delegates.allSatisfy { $0.yieldsBytes }
        default: true
        }
    }

    /// Whether Druid would split it over subtasks.
    package var isSplittable: Bool {
        switch kind {
        case .inline, .kafka: false
        default: true
        }
    }

    /// Whether its records are read as a supervisor's would be.
    var isStream: Bool {
        if case .kafka = kind { true } else { false }
    }
}
