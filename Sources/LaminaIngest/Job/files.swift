import Glibc
import LaminaBase

/// Makes a folder and its parents, durably: what is synced in one that is lost with its entry would be lost with it.
func makeFolder(_ path: String) throws(LaminaError) {
    let slash = path.lastIndex(of: "/")
    let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    if mkdir(path, 0o755) != 0 {
        if errno == EEXIST { return }
        guard errno == ENOENT, let slash, slash != path.startIndex else {
            throw .io("make the folder", path: path, errno: errno)
        }
        try makeFolder(parent)
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw .io("make the folder", path: path, errno: errno)
        }
    }
    try syncFolder(parent)
}

/// Removes a folder with all that is in it; what is not there is removed already. Links are removed, not followed.
func removeFolder(_ path: String) {
    if let directory = opendir(path) {
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let child = "\(path)/\(name)"
            if entry.pointee.d_type == UInt8(DT_DIR) { removeFolder(child) } else { unlink(child) }
        }
        closedir(directory)
    }
    rmdir(path)
}

func logarithm(_ value: Double) -> Double { log(value) }

/// Threads that can run at once.
func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// Seconds of a clock that only moves forward.
func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// Milliseconds since 1970.
func wallMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
