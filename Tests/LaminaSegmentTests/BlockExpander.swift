import LaminaBase
import LaminaCompression

/// An internal file with every compressed block replaced by its content, and without the lengths that follow from the
/// compressor's choices: what two writers must agree on even when their compressors do not.
///
/// A reading of the format of its own, kept apart from the room it tests.
struct BlockExpander {
    private let bytes: [UInt8]
    private var position = 0
    private var expanded: [UInt8] = []

    struct Malformed: Error {
        var position: Int
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func expand(_ name: String, _ bytes: [UInt8]) throws -> [UInt8] {
        var expander = BlockExpander(bytes)
        if name.hasSuffix("__raw_compressed") || name.hasSuffix("__raw_offsets") {
            try expander.blockFile()
        } else if name.hasSuffix("__encodedColumn") {
            try expander.ids()
        } else if name.hasSuffix("__longColumn") || name.hasSuffix("__doubleColumn") {
            try expander.numbers()
        } else if name.contains(".__field_") {
            try expander.field()
        } else {
            try expander.column()
        }
        try expander.copy(bytes.count - expander.position)
        return expander.expanded
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, position + count <= bytes.count else { throw Malformed(position: position) }
        position += count
        return bytes[position - count..<position]
    }

    private mutating func copy(_ count: Int) throws { expanded += try take(count) }

    private mutating func big() throws -> Int {
        Int(Int32(bitPattern: try take(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
    }

    private mutating func little() throws -> Int {
        Int(Int32(bitPattern: try take(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
    }

    private mutating func expandBlock(_ codec: BlockCodec, _ count: Int) throws {
        let block = Array(try take(count))
        var target = [UInt8](repeating: 0, count: 1 << 16)
        let made = try block.withUnsafeBytes { source in
            try target.withUnsafeMutableBytes { try codec.decompress(source, into: $0) }
        }
        expanded += target[..<made]
    }

    private mutating func codec() throws -> BlockCodec {
        guard let id = try take(1).first else { throw Malformed(position: position) }
        expanded.append(id)
        let plain = Int8(bitPattern: id) < -2 ? id &+ 126 : id
        guard let codec = BlockCodec(rawValue: plain) else { throw Malformed(position: position) }
        return codec
    }

    /// A list of blocks.
    private mutating func blocks(_ codec: BlockCodec) throws {
        try copy(2)
        _ = try big()
        let count = try big()
        var ends: [Int] = []
        for _ in 0..<count { ends.append(try big()) }
        var start = 0
        for end in ends {
            try copy(4)
            try expandBlock(codec, end - start - 4)
            start = end
        }
    }

    private mutating func numbers() throws {
        try copy(9)
        let isPacked = Int8(bitPattern: bytes[position]) < -2
        let codec = try codec()
        guard codec != .none else { return }
        if isPacked {
            let format = bytes[position]
            if format == 1 {
                try copy(2)
                let size = try big()
                try copy(size * 8)
            } else if format == 0 {
                try copy(14)
            } else {
                try copy(1)
            }
        }
        try blocks(codec)
    }

    private mutating func ids() throws {
        switch bytes[position] {
        case 2:
            try copy(10)
            try blocks(try codec())
        case 3:
            try copy(1 + 9)
            try blocks(try codec())
            try ids()
        default: return
        }
    }

    private mutating func column() throws {
        let length = try big()
        let descriptor = try JSONParser.parse(Array(try take(length)))
        expanded += Array(descriptor.text.utf8)
        let type = descriptor["parts"]?.arrayValue?.first?["type"]?.stringValue ?? ""
        if type.hasSuffix("V2") {
            _ = try big()
            try numbers()
        } else if type == "stringDictionary" {
            let version = bytes[position]
            try copy(version >= 2 ? 5 : 1)
            guard bytes[position] == 1 else { throw Malformed(position: position) }
            try copy(2)
            let size = try big()
            try copy(size)
            try ids()
        }
    }

    private mutating func field() throws {
        try copy(5)
        try copy(2)
        let count = try little()
        try copy(count * 4)
        let longs = try little()
        let doubles = try little()
        if longs + doubles > 0 { try numbers() }
        try ids()
    }

    /// A stream of blocks in a file of its own.
    private mutating func blockFile() throws {
        try copy(1)
        let codec = try codec()
        try copy(4)
        let count = try big()
        var ends: [Int] = []
        for _ in 0..<count { ends.append(try little()) }
        var start = 0
        for end in ends {
            try expandBlock(codec, end - start)
            start = end
        }
    }
}
