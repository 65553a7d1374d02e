import Glibc

/// Says in a sentence why this processor cannot run this build; nil when it can.
///
/// Release builds for x86-64 use AVX2, BMI and FMA (x86-64-v3); without this check an older processor would die of an illegal
/// instruction somewhere.
func processorProblem() -> String? {
    #if LAMINA_X86_64_V3
        let file = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // The flags of the first processor stand within the first pages.
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = read(file, &buffer, buffer.count)
        let lines = String(decoding: buffer[..<max(0, count)], as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("flags") }) else { return nil }
        let flags = Set(line.split(separator: " ").map(String.init))
        let missing = ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"].filter { !flags.contains($0) }
        if missing.isEmpty { return nil }
        return
            "this build needs an x86-64-v3 processor (any since about 2015), and this one lacks \(missing.joined(separator: ", ")); "
            + "build with 'swift build -c release' for older ones"
    #else
        return nil
    #endif
}
