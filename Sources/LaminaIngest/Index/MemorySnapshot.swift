import LaminaBase
import LaminaEngine
import LaminaQuery
import Synchronization

/// The rows that a memory index had at one moment, in order of arrival. Readers use it while the index goes on growing.
struct MemorySnapshot: Sendable {
    let rowCount: Int
    let times: SharedValues<Int64>
    let dimensions: [DimensionSnapshot]
    let metrics: [MetricSnapshot]
}

/// One dimension of a snapshot; see `DimensionStore`.
struct DimensionSnapshot: Sendable {
    let schema: DimensionSchema
    let isListed: Bool
    let codes: SharedValues<UInt32>?
    let texts: TextSnapshot?
    /// nil when no row is a list.
    let lists: ListSnapshot?
    let bits: SharedValues<UInt64>?
    let nulls: SharedValues<UInt8>?
    let facts: ColumnFacts

    /// Whether some row has a value; of numbers true.
    var hasValues: Bool { texts.map { $0.count > 1 || lists != nil } ?? true }

    /// Whether some row's code is that of null.
    var hasNullCode: Bool { codes.map { facts.hasNull($0) } ?? false }
}

/// One metric of a snapshot; see `MetricStore`.
struct MetricSnapshot: Sendable {
    enum Values: Sendable {
        case numbers(SharedValues<UInt64>, nulls: SharedValues<UInt8>?, Aggregator.NumberType)
        case states([AggregateState?], any ValueAggregation)
    }

    let name: String
    let values: Values
}

/// What was found out about a column whose rows and dictionary only ever grow: later snapshots look only at what is new.
final class ColumnFacts: Sendable {
    private struct Found {
        var rowsSeen = 0
        /// The first row whose code is null's.
        var firstNull: Int?
    }

    private let found = Mutex(Found())
    /// Of `auto` dimensions: values and paths.
    let values = AutoFacts()

    /// Whether null's code (0) is among the codes.
    func hasNull(_ codes: SharedValues<UInt32>) -> Bool {
        found.withLock { found in
            if found.firstNull == nil, found.rowsSeen < codes.count {
                let rest = UnsafeBufferPointer(
                    start: codes.pointer + found.rowsSeen,
                    count: codes.count - found.rowsSeen
                )
                found.firstNull = rest.firstIndex(of: 0).map { $0 + found.rowsSeen }
                found.rowsSeen = codes.count
            }
            return found.firstNull.map { $0 < codes.count } ?? false
        }
    }
}
