import Glibc

/// A variable of the process.
@Sendable
package func readEnvironment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
