package import LaminaBase

/// Where a supervisor stands: Druid's states, the detailed ones too.
///
/// - Source: Druid's `SupervisorStateManager`, `SeekableStreamSupervisorStateManager`.
package enum SupervisorState: String, Sendable, Hashable, CaseIterable {
    case pending = "PENDING"
    case running = "RUNNING"
    case idle = "IDLE"
    case suspended = "SUSPENDED"
    case stopping = "STOPPING"
    case unhealthySupervisor = "UNHEALTHY_SUPERVISOR"
    case unhealthyTasks = "UNHEALTHY_TASKS"
    // Detailed ones.
    case connecting = "CONNECTING_TO_STREAM"
    case discovering = "DISCOVERING_INITIAL_TASKS"
    case creating = "CREATING_TASKS"
    case unableToConnect = "UNABLE_TO_CONNECT_TO_STREAM"
    case lostContact = "LOST_CONTACT_WITH_STREAM"

    /// What `state` shows where `detailedState` shows this.
    package var basic: SupervisorState {
        switch self {
        case .connecting, .discovering, .creating: .running
        case .unableToConnect, .lostContact: .unhealthySupervisor
        default: self
        }
    }

    package var isHealthy: Bool { basic != .unhealthySupervisor && basic != .unhealthyTasks }

    /// Only shown until a run has succeeded.
    var isOfFirstRun: Bool { [.pending, .connecting, .discovering, .creating].contains(self) }
}

/// Something that went wrong, as `recentErrors` shows it.
package struct SupervisorError: Sendable, Hashable {
    package var time: Int64
    /// The kind, in the place of Druid's Java class.
    package var kind: String
    package var message: String
    /// The stream was at fault: it is away, or refuses.
    package var isOfStream: Bool

    package init(time: Int64, kind: String, message: String, isOfStream: Bool) {
        self.time = time
        self.kind = kind
        self.message = message
        self.isOfStream = isOfStream
    }

    package var json: JSON {
        [
            "timestamp": .string(instantText(time)), "exceptionClass": .string(kind), "message": .string(message),
            "streamException": .bool(isOfStream),
        ]
    }
}

/// Counts runs and tasks that failed or did well, and says what state that makes.
///
/// Three failures in a row make it unhealthy, three successes heal it (Druid's default thresholds).
package struct SupervisorHealth: Sendable {
    static let threshold = 3

    package private(set) var state = SupervisorState.pending
    package private(set) var recentErrors: [SupervisorError] = []
    package private(set) var hasSucceeded = false
    private let steady: SupervisorState
    private var isRunGood = true
    private var wasUnhealthy = false
    private var hadUnhealthyTasks = false
    private var failedRuns = 0
    private var goodRuns = 0
    private var failedTasks = 0
    private var goodTasks = 0

    package init(isSuspended: Bool) { steady = isSuspended ? .suspended : .running }

    /// Goes to a state unless the counts demand another one.
    package mutating func propose(_ proposed: SupervisorState) {
        if failedRuns >= Self.threshold {
            wasUnhealthy = true
            let ofStream = !recentErrors.isEmpty && recentErrors.allSatisfy(\.isOfStream)
            state = !ofStream ? .unhealthySupervisor : hasSucceeded ? .lostContact : .unableToConnect
            return
        }
        if failedTasks >= Self.threshold {
            hadUnhealthyTasks = true
            state = .unhealthyTasks
            return
        }
        if !state.isHealthy {
            if wasUnhealthy && goodRuns < Self.threshold { return }
            if hadUnhealthyTasks && goodTasks < Self.threshold { return }
        }
        if proposed == steady && !hasSucceeded { return }
        if !proposed.isOfFirstRun || !hasSucceeded { state = proposed }
    }

    /// Notes what failed in this run.
    package mutating func failed(_ error: SupervisorError) {
        recentErrors.append(error)
        if recentErrors.count > Self.threshold { recentErrors.removeFirst() }
        isRunGood = false
    }

    /// Shows an error without counting it against the run: that of a task.
    package mutating func note(_ error: SupervisorError) {
        // Whoever tries again every second says the same again.
        if let last = recentErrors.last, last.message == error.message {
            recentErrors[recentErrors.count - 1].time = error.time
            return
        }
        recentErrors.append(error)
        if recentErrors.count > Self.threshold { recentErrors.removeFirst() }
    }

    package mutating func taskEnded(isGood: Bool) {
        goodTasks = isGood ? goodTasks + 1 : 0
        failedTasks = isGood ? 0 : failedTasks + 1
    }

    package mutating func runEnded() {
        if isRunGood { hasSucceeded = true }
        goodRuns = isRunGood ? goodRuns + 1 : 0
        failedRuns = isRunGood ? 0 : failedRuns + 1
        if state != .idle { propose(steady) }
        isRunGood = true
    }

    /// Its tasks run well for a while: what healed them is not an ended task, for here a task lives as long as its stream.
    package mutating func tasksAreWell() {
        goodTasks += 1
        failedTasks = 0
    }
}
