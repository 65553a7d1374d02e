package import LaminaBase

extension StreamError {
    /// As a job fails with it.
    package var laminaError: LaminaError {
        switch self {
        case .refused(let error): error
        case .unreachable: LaminaError(.serviceUnavailable, code: "streamUnreachable", message)
        case .offsetGone: LaminaError(.runtimeFailure, code: "streamGap", message)
        case .partitionGone: LaminaError(.notFound, code: "streamPartition", message)
        }
    }
}
