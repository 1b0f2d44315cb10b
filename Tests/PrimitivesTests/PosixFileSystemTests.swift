import Primitives
import Testing

@Suite("Files of the machine")
struct PosixFileSystemTests {
    private let files = PosixFileSystem()

    /// Runs `body` with a new directory, and removes it with the files and empty directories in it.
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/apus-\(UUID128.random(PosixRandom()))"
        try files.createDirectory(path)
        defer {
            for name in (try? files.list(path)) ?? [] {
                try? files.remove("\(path)/\(name)")
                try? files.removeDirectory("\(path)/\(name)")
            }
            try? files.removeDirectory(path)
        }
        try body(path)
    }

    @Test("a file system without end has the largest number of bytes")
    func endlessCapacity() {
        #expect(PosixFileSystem.bytes(blocks: 3, of: 4096) == 12_288)
        #expect(PosixFileSystem.bytes(blocks: 1 << 51, of: 4096) == Int.max)
        #expect(PosixFileSystem.bytes(blocks: UInt64.max, of: 1) == Int.max)
        #expect(PosixFileSystem.bytes(blocks: UInt64.max, of: UInt64.max) == Int.max)
    }

    @Test("what is written at a place is read there, in one piece or many")
    func writing() throws {
        try withDirectory { path in
            let file = try files.open("\(path)/a", .create)
            try file.write(Bytes("0123456789"), at: 0)
            // More chunks than one call of the system takes, empty ones among them.
            let chunks = (0..<3000).map { Bytes($0 % 5 == 0 ? "" : "chunk \($0);") }
            try file.write(chunks, at: 5)
            try file.synchronize()
            let expected = Bytes("01234").array + chunks.flatMap(\.array)
            #expect(try file.size() == expected.count)
            #expect(try file.read(count: expected.count, at: 0) == Bytes(expected))
            #expect(try files.readAll("\(path)/a", limit: expected.count) == Bytes(expected))
            #expect(throws: FileError.self) {
                try files.readAll("\(path)/a", limit: expected.count - 1)
            }
            try file.truncate(to: 3)
            #expect(try file.read(count: 3, at: 0) == Bytes("012"))
            #expect(throws: FileError.self) { try file.read(count: 4, at: 0) }
        }
    }

    @Test("each way to open does what it says of missing and present files")
    func opening() throws {
        try withDirectory { path in
            for mode in [OpenMode.read, .readWrite] {
                #expect { try files.open("\(path)/a", mode) } throws: {
                    ($0 as? FileError)?.isMissing == true
                }
            }
            try files.open("\(path)/a", .create).write(Bytes("content"), at: 0)
            #expect(try files.open("\(path)/a", .create).size() == 7)
            #expect(try files.open("\(path)/a", .readWrite).size() == 7)
            #expect(try files.open("\(path)/a", .replace).size() == 0)
            let reader = try files.open("\(path)/a", .read)
            #expect(throws: FileError.self) { try reader.write(Bytes("x"), at: 0) }
        }
    }

    @Test("a renamed file replaces the one of that name, and a held one stays readable")
    func renaming() throws {
        try withDirectory { path in
            try files.open("\(path)/old", .create).write(Bytes("old"), at: 0)
            let held = try files.open("\(path)/old", .read)
            try files.open("\(path)/new", .create).write(Bytes("newer"), at: 0)
            try files.rename("\(path)/new", to: "\(path)/old")
            try files.synchronizeDirectory(path)
            #expect(try files.readAll("\(path)/old", limit: 10) == Bytes("newer"))
            #expect(try held.read(count: 3, at: 0) == Bytes("old"))
            #expect(try files.list(path) == ["old"])
            #expect(throws: FileError.self) {
                try files.rename("\(path)/none", to: "\(path)/old")
            }
            try files.replaceDurably("\(path)/old", with: Bytes("again"), directory: path)
            #expect(try files.readAll("\(path)/old", limit: 10) == Bytes("again"))
            #expect(try files.list(path) == ["old"])
        }
    }

    @Test("directories are made with those above, listed in order, and removed when empty")
    func directories() throws {
        try withDirectory { path in
            try files.createDirectory("\(path)/b/c")
            try files.createDirectory("\(path)/b/c")
            for name in ["z", "a", "m"] { _ = try files.open("\(path)/b/\(name)", .create) }
            #expect(try files.list("\(path)/b") == ["a", "c", "m", "z"])
            #expect(throws: FileError.self) { try files.createDirectory("\(path)/b/a") }
            #expect(throws: FileError.self) { try files.removeDirectory("\(path)/b") }
            #expect(throws: FileError.self) { try files.list("\(path)/none") }
            for name in ["z", "a", "m"] { try files.remove("\(path)/b/\(name)") }
            try files.removeDirectory("\(path)/b/c")
            try files.removeDirectory("\(path)/b")
            #expect(try files.attributes("\(path)/b") == nil)
        }
    }

    @Test("attributes tell a file from a directory, its size, and what is not there")
    func attributes() throws {
        try withDirectory { path in
            try files.open("\(path)/a", .create).write(Bytes("1234"), at: 0)
            let file = try #require(try files.attributes("\(path)/a"))
            #expect(file.kind == .file)
            #expect(file.size == 4)
            let age = PosixClock().wall().rawValue - file.modified.rawValue
            #expect((-1000...60_000).contains(age))
            #expect(try files.attributes(path)?.kind == .directory)
            #expect(try files.attributes("\(path)/none") == nil)
            #expect(try files.attributes("\(path)/a/below-a-file") == nil)
            let capacity = try files.capacity(path)
            #expect(capacity.total >= capacity.free && capacity.free > 0)
        }
    }

    @Test("a lock is held by one until its reference goes")
    func locking() throws {
        try withDirectory { path in
            var first = try files.lock("\(path)/.lock")
            #expect(first != nil)
            #expect(try files.lock("\(path)/.lock") == nil)
            first = nil
            #expect(try files.lock("\(path)/.lock") != nil)
            #expect(throws: FileError.self) { try files.lock("\(path)/none/.lock") }
        }
    }

    @Test("an error says what was tried, where, and why")
    func errors() {
        #expect {
            try files.open("/tmp/apus-does-not-exist/file", .read)
        } throws: {
            "\($0)" == "/tmp/apus-does-not-exist/file: cannot open: No such file or directory"
        }
    }
}
