package import LaminaBase

/// One running supervisor of any type, as the service holds it. Every call may come from any thread.
package protocol StreamSupervisor: AnyObject, Sendable {
    /// The state with its details, and what failed last.
    var state: SupervisorState { get }
    /// The `payload` of `/status`.
    func status() -> JSON
    /// `/stats`: counters by group and task.
    func stats() -> JSON
    /// `/parseErrors`.
    func parseErrors() -> JSON
    /// Begins to read. What it held before a restart is visible already.
    func start() throws(LaminaError)
    /// Publishes the rows so far of some task groups and goes on behind them.
    func handOff(groups: [Int]) throws(LaminaError)
    /// Forgets where it was (or moves the named partitions) and reads again; rows that are not published yet are dropped.
    /// - Parameter metadata: names partitions and offsets, as Druid's commit metadata does; nil: all of it.
    func reset(to metadata: JSON?) throws(LaminaError)
    /// No further rows; what there is gets published, by threads of its own. Returns at once.
    /// - Parameter isLast: no further spec follows: what only the next one needed may go.
    func finish(isLast: Bool)
    /// Waits for that; false when the time was over first.
    func waitUntilFinished(milliseconds: Int64) -> Bool
    /// The server stops: rows are persisted, nothing is published. Returns when that is done.
    func stop()
}
