package import LaminaBase

/// A body of rows that was pushed.
package struct PushRequest: Sendable {
    package var body: [UInt8]
    /// Without parameters, in lower case; nil when there is none.
    package var mediaType: String?
    package var identity: PushIdentity?
    /// Whether nothing is to be stored if any row is bad.
    package var isAtomic: Bool

    package init(body: [UInt8], mediaType: String? = nil, identity: PushIdentity? = nil, isAtomic: Bool = false) {
        self.body = body
        self.mediaType = mediaType
        self.identity = identity
        self.isAtomic = isAtomic
    }
}

/// What became of a push: what was accepted is on disk, and visible to queries.
package struct PushReply: Sendable, Equatable {
    package struct RowError: Sendable, Equatable {
        /// The row's place in the body, from 0.
        package var row: Int
        package var reason: String
    }

    /// How many errors are named.
    package static let errorsMax = 100

    /// Rows of the body: the sum of the others.
    package var received = 0
    package var accepted = 0
    package var rejected = 0
    /// Rows that were pushed before.
    package var duplicate = 0
    /// The first ones.
    package var errors: [RowError] = []

    package init(received: Int = 0, accepted: Int = 0, rejected: Int = 0, duplicate: Int = 0) {
        self.received = received
        self.accepted = accepted
        self.rejected = rejected
        self.duplicate = duplicate
    }

    package var json: JSON {
        [
            "received": .int(Int64(received)), "accepted": .int(Int64(accepted)), "rejected": .int(Int64(rejected)),
            "duplicate": .int(Int64(duplicate)),
            "errors": .array(errors.map { ["row": .int(Int64($0.row)), "reason": .string($0.reason)] }),
        ]
    }
}

/// How a push ended.
package enum PushOutcome: Sendable {
    case done(PushReply)
    /// An atomic push with bad rows: nothing of it was stored.
    case refused(PushReply)
}
