import Primitives
import Simulation
import Testing

@Suite("Files in memory")
struct DiskTests {
    @Test("what was written is read, under the name the file was given last")
    func renamed() throws {
        let files = SimulatedDisk()
        try files.createDirectory("/data")
        try files.open("/data/a", .create).write(Bytes("one"), at: 0)
        try files.rename("/data/a", to: "/data/b")
        #expect(try files.list("/data") == ["b"])
        #expect(try files.readAll("/data/b", limit: 3).array == Array("one".utf8))
    }
}
