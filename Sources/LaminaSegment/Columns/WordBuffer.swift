import LaminaBase

/// A growing buffer of `UInt32` that a reader owns.
struct WordBuffer {
    private var memory: UnsafeMutablePointer<UInt32>?
    private var capacity = 0

    /// Keeps what is there when it grows.
    mutating func room(_ count: Int, keeping kept: Int = 0) -> UnsafeMutablePointer<UInt32> {
        if let memory, count <= capacity { return memory }
        capacity = max(count, 2 * capacity, 1024)
        let fresh = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
        if let memory, kept > 0 { fresh.update(from: memory, count: kept) }
        memory?.deallocate()
        memory = fresh
        return fresh
    }

    func free() { memory?.deallocate() }
}
