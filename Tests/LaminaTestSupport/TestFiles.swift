import Glibc
import LaminaBase

/// The folder of all tests.
package let testsFolder = String(
    #filePath.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 }
)

/// Where the recorded answers lie, beside the package; they need not be there.
package let goldFolder = testsFolder + "/../../shared/gold"

/// All bytes of a file that must be there.
package func fileBytes(_ path: String) throws -> [UInt8] {
    guard let bytes = try readFile(path) else { throw LaminaError.io("open", path: path, errno: ENOENT) }
    return bytes
}

/// Names in a folder that do not begin with a dot, sorted; none when it is not there.
package func visibleNames(in folder: String) -> [String] {
    ((try? folderEntries(folder)) ?? []).filter { !$0.hasPrefix(".") }
}

/// A fresh folder's name below the system's folder for temporary files; made by whoever needs it.
package func freshFolder() -> String {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    return "\(base)/lamina-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
}

/// A fresh folder, made.
package func makeTemporaryFolder() throws -> String {
    let path = freshFolder()
    guard mkdir(path, 0o755) == 0 else { throw LaminaError.io("make the folder", path: path, errno: errno) }
    return path
}

/// Removes a folder and all in it, or a file.
package func removeTestFiles(_ path: String) { try? removeTree(path) }
