/// Texts by id: the dictionary of rows in memory, one of a moment, or that of a spilled piece.
enum TextSource: Sendable {
    case memory(TextDictionary)
    case snapshot(TextSnapshot)
    case piece(PieceTexts)

    @inline(__always)
    func text(_ id: UInt32) -> UnsafeRawBufferPointer {
        switch self {
        case .memory(let texts): texts.text(id)
        case .snapshot(let texts): texts.text(id)
        case .piece(let texts): texts.text(id)
        }
    }
}

/// The sorted dictionary of a piece; id 0 is null.
struct PieceTexts: Sendable {
    let file: PieceFile
    let starts: PieceFile.Place
    let bytes: PieceFile.Place

    @inline(__always)
    func text(_ id: UInt32) -> UnsafeRawBufferPointer {
        let starts = file.pointer(starts, as: Int.self)
        let start = starts[Int(id)]
        return UnsafeRawBufferPointer(
            start: UnsafeRawPointer(file.pointer(bytes, as: UInt8.self)) + start,
            count: starts[Int(id) + 1] - start
        )
    }
}
