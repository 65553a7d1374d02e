package import LaminaBase

/// Many texts in one piece of memory; entry 0 stands for null. Never changes after it was built.
///
/// Pointers into it stay valid as long as the table lives, which merging relies on.
// Sendable: all fields are let and the memory is only read after init.
package final class StringTable: @unchecked Sendable {
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    /// `count + 1` offsets.
    private let offsets: [Int]

    /// Number of entries, null's included.
    package var count: Int { offsets.count - 1 }

    /// - Parameter offsets: entry i is `bytes[offsets[i]..<offsets[i + 1]]`; entry 0 is empty.
    init(bytes source: [UInt8], offsets: [Int]) {
        precondition(offsets.count >= 2 && offsets[1] == 0, "entry 0 of a string table is null")
        bytes = .allocate(capacity: max(source.count, 1))
        _ = bytes.update(fromContentsOf: source)
        self.offsets = offsets
    }

    deinit { bytes.deallocate() }

    var byteCount: Int { bytes.count + offsets.count * 8 }

    func utf8(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: UnsafeBufferPointer(bytes)[offsets[index]..<offsets[index + 1]])
    }

    /// The text of an entry; nil for entry 0.
    package func text(_ index: Int) -> String? {
        index == 0 ? nil : String(decoding: utf8(index), as: UTF8.self)
    }
}

/// Builds a string table entry by entry.
struct StringTableBuilder {
    private var bytes: [UInt8] = []
    private var offsets: [Int] = [0, 0]

    init(capacity: Int = 0) { offsets.reserveCapacity(capacity + 2) }

    mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        bytes.append(contentsOf: text)
        offsets.append(bytes.count)
    }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        offsets.append(bytes.count)
    }

    func finish() -> StringTable { StringTable(bytes: bytes, offsets: offsets) }
}
