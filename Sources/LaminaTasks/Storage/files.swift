import Glibc
package import LaminaBase

package func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// Sum of the sizes of the files in a flat folder: what Druid calls a segment's size.
func folderBytes(_ path: String) throws(LaminaError) -> Int64 {
    var total: Int64 = 0
    for name in try folderEntries(path) {
        var info = stat()
        guard stat("\(path)/\(name)", &info) == 0 else { throw .io("look at", path: "\(path)/\(name)", errno: errno) }
        total += Int64(info.st_size)
    }
    return total
}
