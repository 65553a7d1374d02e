/// Strings by number: a dictionary while it is sorted, merged and written. The bytes lie still, in the table's own memory or in
/// that of the column they come from.
final class StringTable: @unchecked Sendable {
    private let sink = ByteSink(capacity: 64)
    private var ends: [Int] = []
    /// What keeps the bytes of `texts` in memory, where that is not the table itself.
    private let owner: AnyObject?
    private var texts: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>

    /// An empty table, to be appended to.
    init() {
        owner = nil
        texts = .allocate(capacity: 0)
    }

    /// The dictionary of a column by id; null as an empty string. Nothing is copied from columns whose texts lie still.
    init(dictionaryOf column: any StringColumn) {
        let count = column.cardinality
        if let stable = column as? any StableTexts, stable.textsAreStable {
            owner = column
            texts = .allocate(capacity: count)
            texts.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
            stable.copyTexts(into: texts)
            return
        }
        owner = nil
        texts = .allocate(capacity: 0)
        let empty = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        for id in 0..<UInt32(count) { column.withUTF8(id) { append($0 ?? empty) } }
        seal()
    }

    deinit { texts.deallocate() }

    var count: Int { max(ends.count, texts.count) }

    func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        sink.append(UnsafeRawBufferPointer(bytes))
        ends.append(sink.count)
    }

    func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// Ends appending; to be called before the first `value`.
    func seal() {
        guard texts.count < ends.count else { return }
        texts.deallocate()
        texts = .allocate(capacity: ends.count)
        var start = 0
        for (index, end) in ends.enumerated() {
            texts.initializeElement(at: index, to: UnsafeRawBufferPointer(start: sink.base + start, count: end - start))
            start = end
        }
    }

    /// All strings, valid while the table lives.
    var values: UnsafeBufferPointer<UnsafeRawBufferPointer> { UnsafeBufferPointer(texts) }

    /// A string's bytes, valid while the table lives.
    @inline(__always)
    func value(_ index: Int) -> UnsafeRawBufferPointer { texts[index] }
}

/// A string column whose texts may lie still in memory as long as the column lives: then nobody needs to copy them.
package protocol StableTexts: AnyObject {
    var textsAreStable: Bool { get }
    /// Puts the text of every id in its place; null and empty texts as nothing. Only where texts are stable.
    func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>)
}

extension StoredStringColumn: StableTexts {
    /// Plain dictionaries are mapped; front-coded ones are put together value by value.
    package var textsAreStable: Bool {
        if case .plain = dictionary.form { true } else { false }
    }

    package func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) {
        guard case .plain(let list) = dictionary.form else { return }
        for id in 0..<min(target.count, list.count) { target[id] = list.element(id) }
    }
}
