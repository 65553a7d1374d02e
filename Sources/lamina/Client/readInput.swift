import Glibc
import LaminaBase
import LaminaTasks

/// The bytes of a file, or of standard input for `-`.
func readInput(_ path: String) throws(LaminaError) -> [UInt8] {
    guard path == "-" else {
        guard let bytes = try readFile(path) else { throw .io("read", path: path, errno: ENOENT) }
        return bytes
    }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = read(STDIN_FILENO, &piece, piece.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return bytes }
        bytes.append(contentsOf: piece[..<count])
    }
}

/// The JSON of a file, whose name is put in front of what is wrong with it.
func readJSON(_ path: String) throws(LaminaError) -> JSON {
    let bytes = try readInput(path)
    do throws(LaminaError) {
        return try JSONParser.parse(bytes)
    } catch {
        throw LaminaError(error.category, code: error.code, "\(path): \(error.message)", context: error.context)
    }
}
