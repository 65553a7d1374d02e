package import LaminaBase

/// The answer of a query: a JSON array in Druid's shape, written element by element so that it can be streamed.
package struct QueryResult: Sendable {
    private let makeElements: @Sendable () -> any ResultElements

    /// - Parameter makeElements: gives a fresh pass over the answer's elements.
    package init(makeElements: @escaping @Sendable () -> any ResultElements) { self.makeElements = makeElements }

    /// An answer whose elements are there already.
    package init(_ rows: [JSON]) {
        self.init { JSONElements(rows) }
    }

    /// A fresh pass over the elements, for a server that writes while the client reads.
    package func elements() -> any ResultElements { makeElements() }

    /// The same answer, which keeps an object alive as long as somebody may read it.
    package func holding(_ owner: any AnyObject & Sendable) -> QueryResult {
        let makeElements = makeElements
        return QueryResult { HoldingElements(makeElements(), owner) }
    }

    /// Writes the whole answer.
    package func writeJSON(into writer: inout JSONWriter) throws(LaminaError) {
        writer.beginArray()
        let elements = makeElements()
        while try elements.writeNext(into: &writer) {}
        writer.endArray()
    }

    /// The whole answer as text.
    package func jsonText() throws(LaminaError) -> String {
        var writer = JSONWriter()
        try writeJSON(into: &writer)
        return writer.text
    }
}

/// A pass over the elements of an answer; used by one thread.
package protocol ResultElements: AnyObject {
    /// Writes the next element (one row, or for scan one batch of rows) as a JSON value; false at the end, nothing written.
    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool
}

/// Elements together with what must live as long as they.
private final class HoldingElements: ResultElements {
    private let elements: any ResultElements
    private let owner: any AnyObject & Sendable

    init(_ elements: any ResultElements, _ owner: any AnyObject & Sendable) {
        self.elements = elements
        self.owner = owner
    }

    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool { try elements.writeNext(into: &writer) }
}

/// Elements that are JSON values in memory.
private final class JSONElements: ResultElements {
    private let rows: [JSON]
    private var next = 0

    init(_ rows: [JSON]) { self.rows = rows }

    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool {
        guard next < rows.count else { return false }
        writer.value(rows[next])
        next += 1
        return true
    }
}

/// Elements of an answer held in columns, written by row number.
final class IndexedElements: ResultElements {
    private let count: Int
    private let write: (Int, inout JSONWriter) -> Void
    private var next = 0

    init(count: Int, write: @escaping (Int, inout JSONWriter) -> Void) {
        self.count = count
        self.write = write
    }

    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool {
        guard next < count else { return false }
        write(next, &writer)
        next += 1
        return true
    }
}
