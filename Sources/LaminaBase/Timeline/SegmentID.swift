/// What names a segment: datasource, interval, version and partition. Source: Druid's `SegmentId`.
package struct SegmentID: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var dataSource: String
    package var interval: Interval
    package var version: String
    package var partition: Int

    package init(dataSource: String, interval: Interval, version: String, partition: Int) {
        self.dataSource = dataSource
        self.interval = interval
        self.version = version
        self.partition = partition
    }

    /// `<dataSource>_<start>_<end>_<version>`, with `_<partition>` unless that is 0.
    package var text: String {
        var bytes = Array(dataSource.utf8)
        bytes.reserveCapacity(bytes.count + 90)
        bytes.append(UInt8(ascii: "_"))
        appendInstantText(interval.start, to: &bytes)
        bytes.append(UInt8(ascii: "_"))
        appendInstantText(interval.end, to: &bytes)
        bytes.append(UInt8(ascii: "_"))
        bytes.append(contentsOf: version.utf8)
        if partition != 0 {
            bytes.append(UInt8(ascii: "_"))
            bytes.append(contentsOf: String(partition).utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    package var description: String { text }

    /// Parses `text`; the datasource ends before the first two neighbouring parts that are instants.
    package init?(parsing text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count >= 4 else { return nil }
        for place in 1..<parts.count - 2 {
            guard let start = Self.instant(parts[place]), let end = Self.instant(parts[place + 1]), start <= end else {
                continue
            }
            let name = parts[..<place].joined(separator: "_")
            var rest = parts[(place + 2)...]
            var partition = 0
            if rest.count > 1, let last = rest.last, let number = Int(last), number >= 0 {
                partition = number
                rest = rest.dropLast()
            }
            let version = rest.joined(separator: "_")
            guard !name.isEmpty, !version.isEmpty else { return nil }
            self.init(
                dataSource: name,
                interval: Interval(start: start, end: end),
                version: version,
                partition: partition
            )
            return
        }
        return nil
    }

    private static func instant(_ text: Substring) -> Int64? {
        guard text.utf8.count >= 20, text.utf8.last == UInt8(ascii: "Z") else { return nil }
        var copy = String(text)
        return copy.withUTF8 { parseInstant(bytes: $0) }
    }

    /// By datasource, interval, version and partition.
    package static func < (left: SegmentID, right: SegmentID) -> Bool {
        if left.dataSource != right.dataSource { return left.dataSource < right.dataSource }
        if left.interval != right.interval { return left.interval < right.interval }
        if left.version != right.version { return javaCompare(left.version, right.version) < 0 }
        return left.partition < right.partition
    }
}
