import LaminaBase

/// Finds the streams that take pushes.
package protocol PushDirectory: Sendable {
    /// The push stream of a datasource; nil when there is none.
    func pushStream(_ dataSource: String) -> PushStream?
    /// The rejected rows of a datasource's stream, of whatever kind; nil when there is none.
    func deadLetters(_ dataSource: String) -> DeadLetters?
}

extension PushDirectory {
    package func deadLetters(_ dataSource: String) -> DeadLetters? { pushStream(dataSource)?.letters }
}
