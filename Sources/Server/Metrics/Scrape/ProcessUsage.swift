internal import Primitives

/// What the kernel says of this process, where it says so in `/proc`.
struct ProcessUsage: Sendable, Equatable {
    var residentBytes: UInt64
    /// Processor time in user and system mode, in hundredths of a second.
    var processorHundredths: UInt64
    /// From the start of the machine to that of the process, in hundredths of a second.
    var startedHundredths: UInt64
    var openDescriptors: Int
    var descriptorLimit: Int

    /// Linux counts times in hundredths of a second towards programs, whatever it does itself.
    init?(_ files: any FileSystem) {
        guard let stat = Self.read("/proc/self/stat", files),
            let status = Self.read("/proc/self/status", files),
            let descriptors = try? files.list("/proc/self/fd")
        else { return nil }
        // The second field is the program's name, in parentheses, with anything in it.
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        let resident = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = resident?.split { $0 == " " || $0 == "\t" }.dropFirst().first
        // Fields 14, 15 and 22 of proc(5).
        guard fields.count > 19, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
            let started = UInt64(fields[19]), let resident = kibibytes.flatMap({ UInt64($0) })
        else { return nil }
        residentBytes = resident << 10
        processorHundredths = user + system
        startedHundredths = started
        // The listing had one open itself.
        openDescriptors = descriptors.count - 1
        descriptorLimit = files.descriptorLimit
    }

    /// Milliseconds since 1970 at which the machine started, as far as `now` is right.
    static func machineStart(_ files: any FileSystem, now: Timestamp) -> Int64? {
        guard let uptime = read("/proc/uptime", files)?.split(separator: " ").first else {
            return nil
        }
        let digits = uptime.filter { $0 != "." }
        guard digits.utf8.count + 1 == uptime.utf8.count, let hundredths = Int64(digits) else {
            return nil
        }
        return now.rawValue - hundredths * 10
    }

    /// These files have no size, and come whole in one read.
    private static func read(_ path: String, _ files: any FileSystem) -> String? {
        let storage = ByteStorage(capacity: 16 << 10)
        let whole = unsafe storage.unsafeMutable
        guard let file = try? files.open(path, .read),
            let count = unsafe try? file.read(into: whole, at: 0), count > 0
        else { return nil }
        return storage.bytes(0..<count).text
    }
}
