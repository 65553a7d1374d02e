import Glibc
import LaminaBase

extension SegmentContainer {
    /// Opens the folder with a segment's files, a folder that has `index/` or `index.zip` in it, or a zip.
    convenience init(path: String) throws(LaminaError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .io("read", path: path, errno: errno) }
        if status.st_mode & S_IFMT != S_IFDIR {
            try self.init(zip: path)
        } else if access(path + "/version.bin", F_OK) == 0 || access(path + "/meta.smoosh", F_OK) == 0 {
            try self.init(folder: path)
        } else if access(path + "/index/version.bin", F_OK) == 0 || access(path + "/index/meta.smoosh", F_OK) == 0 {
            try self.init(folder: path + "/index")
        } else if access(path + "/index.zip", F_OK) == 0 {
            try self.init(zip: path + "/index.zip")
        } else {
            throw LaminaError(
                .invalidInput,
                code: "notASegment",
                "\(path) holds no segment: there is no version.bin, no index folder and no index.zip",
                context: ["path": path]
            )
        }
    }

    private convenience init(folder: String) throws(LaminaError) {
        try self.init(place: folder) { name throws(LaminaError) in
            let path = folder + "/" + name
            guard access(path, F_OK) == 0 else { return nil }
            return try Memory(mapping: path)
        }
    }

    /// For tests and for zips: the files' bytes by name.
    convenience init(files: [String: [UInt8]], place: String) throws(LaminaError) {
        try self.init(place: place) { name throws(LaminaError) in files[name].map { Memory(copying: $0) } }
    }
}
