import LaminaBase
import LaminaBroker

/// Bytes per second that the threads of a pool read together from memory far larger than the caches: best of five passes.
func memoryBandwidth(pool: WorkerPool) -> Double {
    let wordsAThread = 16 << 20
    let memory = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: wordsAThread * pool.threads)
    memory.initialize(repeating: 1)
    defer { memory.deallocate() }
    // An address crosses threads, a pointer would not; the memory outlives `run`, which waits.
    let base = UInt(bitPattern: memory.baseAddress)
    var best = 0.0
    for _ in 0..<5 {
        let start = monotonicSeconds()
        pool.run(count: pool.threads) { part in
            guard let words = UnsafePointer<UInt64>(bitPattern: base) else { return }
            let sum = sumWords(UnsafeBufferPointer(start: words + part * wordsAThread, count: wordsAThread))
            precondition(sum == UInt64(wordsAThread), "memory does not hold what was written")
        }
        best = max(best, Double(wordsAThread * pool.threads * 8) / (monotonicSeconds() - start))
    }
    return best
}

@inline(never)
private func sumWords(_ words: UnsafeBufferPointer<UInt64>) -> UInt64 {
    var sum: UInt64 = 0
    for word in words { sum &+= word }
    return sum
}
