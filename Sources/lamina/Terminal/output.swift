import Glibc

/// Writes all bytes to a descriptor; a closed pipe ends the process quietly, as other tools do under `| head`.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
    bytes.withUnsafeBytes { buffer in
        var done = 0
        while done < buffer.count {
            let count = write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE { exit(0) }
                return
            }
            done += count
        }
    }
}

/// Text for the user, on standard output.
func say(_ text: String) { writeAll(Array(text.utf8), to: STDOUT_FILENO) }

/// Text about what went wrong or goes on, on standard error.
func complain(_ text: String) { writeAll(Array(text.utf8), to: STDERR_FILENO) }

/// Columns of the terminal on standard error, if it is one.
func terminalWidth(_ descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
}

/// Control characters of foreign text, which could move the cursor or hide what follows, as `\u{…}`.
func printable(_ text: String) -> String {
    guard
        text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || (0x80..<0xA0).contains($0.value) })
    else {
        return text
    }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x09: result += "\\t"
        case 0x0A: result += "\\n"
        case 0x0D: result += "\\r"
        case 0..<0x20, 0x7F, 0x80..<0xA0: result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
