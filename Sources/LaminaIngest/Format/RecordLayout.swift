/// Texts that are laid one behind the other in memory that a chunk takes over.
struct RecordLayout: ~Copyable {
    private var memory: UnsafeMutableRawBufferPointer
    private(set) var length = 0

    init() {
        memory = .allocate(byteCount: RecordChunk.padding, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0x20)
    }

    deinit { memory.deallocate() }

    /// Room for so many bytes.
    mutating func reserve(_ count: Int) {
        let needed = count + RecordChunk.padding
        guard needed > memory.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: needed, alignment: 64)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<length]))
        memory.deallocate()
        memory = larger
    }

    mutating func append(_ text: UnsafeRawBufferPointer) {
        guard !text.isEmpty else { return }
        let needed = length + text.count + 1
        if needed + RecordChunk.padding > memory.count { reserve(needed * 2) }
        UnsafeMutableRawBufferPointer(rebasing: memory[length...]).copyMemory(from: text)
        length += text.count
    }

    mutating func endLine() {
        if length + 1 + RecordChunk.padding > memory.count { reserve(length * 2 + 1) }
        memory[length] = 0x0A
        length += 1
    }

    func countLineEnds(from start: Int) -> Int {
        let text = UnsafeRawBufferPointer(rebasing: memory[start..<length])
        return LaminaIngest.countLineEnds(text, until: text.count)
    }

    /// Gives the memory away; what follows the text is space.
    consuming func take() -> UnsafeMutableRawBufferPointer {
        let memory = memory
        for place in length..<memory.count { memory[place] = 0x20 }
        discard self
        return memory
    }
}
