package import LaminaBase

extension ExtractionFunction {
    /// The function of a text (nil: null). Source: `apply` of each class of `org.apache.druid.query.extraction`.
    package func apply(_ value: String?) -> String? {
        switch self {
        case .upper: return value?.uppercased()
        case .lower: return value.map(javaLowercased)
        case .strlen: return value.map { String(javaLength($0)) }
        case .substring(let index, let length):
            guard let value else { return nil }
            return javaSubstring(value, from: index, length: length)
        case .identity: return value
        case .cascade(let functions): return functions.reduce(value) { $1.apply($0) }
        case .timeFormat(let format): return value.flatMap { format.apply($0) }
        case .time(let time): return value.map { time.apply($0) }
        case .regex(let regex, let group, let replacesMissing, let replacement):
            guard let value, let found = regex.firstMatch(in: value, group: group) else {
                return replacesMissing ? replacement : value
            }
            return found
        case .partial(let regex): return value.flatMap { regex.isFound(in: $0) ? $0 : nil }
        case .searchQuery(let spec): return spec.accepts(value) ? value : nil
        case .lookup(let table, let retainsMissing, let replacement):
            if let value, let found = table.value(value) { return found }
            return retainsMissing ? value : replacement
        case .stringFormat(let format, let nullHandling): return formatted(value, format, nullHandling)
        case .bucket(let size, let offset): return value.flatMap(parseJavaDouble).flatMap { bucketed($0, size, offset) }
        }
    }

    private func formatted(_ value: String?, _ format: String, _ handling: NullHandling) -> String? {
        guard let value else {
            switch handling {
            case .returnNull: return nil
            case .emptyString: return javaFormat(format, [.string("")])
            case .nullString: return javaFormat(format, [.null])
            }
        }
        return javaFormat(format, [.string(value)])
    }

    private func bucketed(_ number: Double, _ size: Double, _ offset: Double) -> String? {
        let start = ((number - offset) / size).rounded(.down) * size + offset
        return start == start.rounded(.towardZero) && start.magnitude < 0x1p63 ? String(Int64(start)) : javaText(start)
    }

    /// The function of any scalar: numbers, `__time` too, as their texts; longs of `timeFormat` as milliseconds.
    package func apply(_ value: Value) -> String? {
        switch self {
        case .timeFormat(let format):
            if case .long(let time) = value { return format.apply(time: time) }
        case .cascade(let functions):
            guard let first = functions.first else { break }
            return functions.dropFirst().reduce(first.apply(value)) { $1.apply($0) }
        default: break
        }
        return apply(value.asText)
    }
}

extension TimeFormatExtraction {
    func apply(time: Int64) -> String {
        let start = granularity.isNone || granularity.isAll ? time : granularity.bucketStart(time)
        if let format { return format.format(start, zone: zone, names: names) }
        return asMillis ? String(start) : instantText(start, zone: zone)
    }

    /// A text is milliseconds when `asMillis`, else an ISO time; anything else is null.
    func apply(_ value: String) -> String? {
        if asMillis { return parseJavaLong(value).map { apply(time: $0) } ?? nil }
        guard let instant = try? parseInstant(value) else { return nil }
        return apply(time: instant)
    }
}

extension TimeExtraction {
    func apply(_ value: String) -> String {
        guard let instant = timeFormat.parse(value) else { return value }
        return resultFormat.format(instant)
    }
}
