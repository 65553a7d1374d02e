package import LaminaBase

/// Finds the streams that take pushes.
package protocol PushDirectory: Sendable {
    /// The push stream of a datasource; nil when there is none.
    /// - Errors: `serviceUnavailable` when there is one that cannot be opened yet.
    func pushStream(_ dataSource: String) throws(LaminaError) -> PushStream?
    /// The rejected rows of a datasource's stream, of whatever kind; nil when there is none.
    func deadLetters(_ dataSource: String) -> DeadLetters?
}
