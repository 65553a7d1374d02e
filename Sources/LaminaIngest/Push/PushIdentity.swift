package import LaminaBase
import LaminaSketches

/// What makes a push recognisable when it is sent again.
package enum PushIdentity: Sendable, Hashable {
    /// `Idempotency-Key`, as its hash of 128 bits.
    case key(low: UInt64, high: UInt64)
    /// `X-Lamina-Producer` and `X-Lamina-Sequence`.
    case producer(String, sequence: Int64)

    /// - Errors: a sequence without a producer, one that is no number, both ways at once, names beyond their lengths.
    package init?(key: String?, producer: String?, sequence: String?) throws(LaminaError) {
        if let key {
            guard producer == nil, sequence == nil else {
                throw .invalidInput("Idempotency-Key and X-Lamina-Producer exclude each other")
            }
            guard !key.isEmpty, key.utf8.count <= 1024 else {
                throw .invalidInput("Idempotency-Key must have 1 to 1024 bytes")
            }
            let hash = murmur128(Array(key.utf8))
            self = .key(low: hash.low, high: hash.high)
            return
        }
        guard let producer else {
            guard sequence == nil else { throw .invalidInput("X-Lamina-Sequence needs X-Lamina-Producer") }
            return nil
        }
        guard !producer.isEmpty, producer.utf8.count <= 256 else {
            throw .invalidInput("X-Lamina-Producer must have 1 to 256 bytes")
        }
        guard let sequence, let number = Int64(sequence), number >= 0 else {
            throw .invalidInput("X-Lamina-Producer needs X-Lamina-Sequence, a whole number from 0")
        }
        self = .producer(producer, sequence: number)
    }

    /// Pushes that must not be worked on at the same time: those with the same key, and all of one producer.
    var lane: Lane {
        switch self {
        case .key(let low, let high): .key(low, high)
        case .producer(let name, _): .producer(name)
        }
    }

    enum Lane: Hashable, Sendable {
        case key(UInt64, UInt64)
        case producer(String)
    }

    func write(to head: inout HeadWriter) {
        switch self {
        case .key(let low, let high):
            head.put(1)
            head.putWord(low)
            head.putWord(high)
        case .producer(let name, let sequence):
            head.put(2)
            head.put(name)
            head.put(sequence)
        }
    }

    /// What `write` wrote; nil for the number 0, which stands for none.
    static func read(from head: inout HeadReader) throws(HeadReader.Malformed) -> PushIdentity? {
        switch try head.number() {
        case 0: return nil
        case 1: return .key(low: try head.word(), high: try head.word())
        case 2: return .producer(try head.text(), sequence: Int64(try head.number()))
        default: throw HeadReader.Malformed()
        }
    }
}
