import Glibc

/// Creates a folder and its missing parents, durably.
package func makeFolders(_ path: String) throws(LaminaError) {
    var reached = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
        let parent = reached.isEmpty ? "." : reached
        reached += reached.isEmpty || reached.hasSuffix("/") ? String(part) : "/\(part)"
        if mkdir(reached, 0o755) == 0 {
            try syncFolder(parent)
        } else if errno != EEXIST {
            throw .io("create the folder", path: reached, errno: errno)
        }
    }
}

/// Removes a file or a folder with all it holds; what is not there is no error.
package func removeTree(_ path: String) throws(LaminaError) {
    var info = stat()
    guard lstat(path, &info) == 0 else {
        if errno == ENOENT { return }
        throw .io("look at", path: path, errno: errno)
    }
    if info.st_mode & S_IFMT == S_IFDIR {
        for name in try folderEntries(path) { try removeTree("\(path)/\(name)") }
        guard rmdir(path) == 0 || errno == ENOENT else { throw .io("remove", path: path, errno: errno) }
    } else {
        guard unlink(path) == 0 || errno == ENOENT else { throw .io("remove", path: path, errno: errno) }
    }
}
