import Testing

/// Fails with everything that was found, a line each.
private func expectNone(
    _ found: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.isEmpty, "\n\(found.joined(separator: "\n"))", sourceLocation: sourceLocation)
}

/// The lines of `files` that `problem` has something against.
private func lines(
    of files: [SourceFile], problem: (SourceFile, _ code: String) -> String?
) -> [String] {
    files.flatMap { file in
        file.code.enumerated().compactMap { index, line in
            problem(file, line).map { file.at(index, $0) }
        }
    }
}

@Suite("The source tree keeps its rules")
struct TidyTests {
    private let written = SourceTree.shipped.filter { !$0.isGenerated }

    @Test("there is something to check")
    func nonEmpty() {
        #expect(SourceTree.modules.contains("Primitives"), "\(SourceTree.root)")
        #expect(!SourceTree.tests.isEmpty)
    }

    @Test("what would stop the process is not written")
    func traps() {
        expectNone(
            lines(of: written) { _, line in
                for banned in ["try!", "as!", "fatalError("] where contains(banned, in: line) {
                    return "\(banned) is banned: throw, or state the invariant in a precondition"
                }
                return nil
            })
    }

    @Test("time, chance and files are touched in Primitives only")
    func outsideWorld() {
        // wiregen and Benchmarks run beside the servers, never in one.
        let elsewhere = written.filter {
            !["Primitives", "wiregen", "Benchmarks"].contains($0.module)
        }
        expectNone(
            lines(of: elsewhere) { _, line in
                for banned in ["Date()", "SystemRandomNumberGenerator", "fopen"]
                where contains(banned, in: line) {
                    return "\(banned) is banned here: take it from the World"
                }
                return nil
            })
    }

    @Test("no Swift concurrency below the faces that Swift programs see")
    func concurrency() {
        let below = written.filter { file in
            !["Client", "apus"].contains(file.module) && !file.components.contains("Embedded")
        }
        expectNone(
            lines(of: below) { _, line in
                for banned in ["async", "await", "actor", "Task"]
                where contains(banned, in: line, asMember: false) {
                    return "\(banned) is banned here: event loops and state machines only"
                }
                return nil
            })
    }

    @Test("whatever the compiler cannot prove says why it holds")
    func unproven() {
        let found = written.flatMap { file in
            file.code.enumerated().compactMap { index, line -> String? in
                for claim in ["@unchecked Sendable", "nonisolated(unsafe)"]
                where line.contains(claim) {
                    let near = file.lines[max(0, index - 8)...index]
                    if !near.contains(where: { $0.contains("//") }) {
                        return file.at(index, "\(claim) without a comment that says why it holds")
                    }
                }
                return nil
            }
        }
        expectNone(found)
    }

    @Test("nothing is left for later in a comment")
    func postponed() {
        // Put together here, so that this file passes.
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
        let found = (written + SourceTree.tests).flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                marks.first { contains($0, in: line) }.map { file.at(index, "\($0)") }
            }
        }
        expectNone(found)
    }

    @Test("no file has more than 600 lines")
    func fileLength() {
        expectNone(
            (written + SourceTree.tests).filter { $0.lines.count > 601 }.map {
                "\($0.path) has \($0.lines.count - 1) lines: it has two jobs"
            })
    }

    @Test("no function has more than 120 lines")
    func functionLength() {
        let found = written.flatMap { file in
            FunctionBodies.find(in: file).filter { $0.count > 120 }.map { body in
                file.at(body.line, "a body of \(body.count) lines")
            }
        }
        expectNone(found)
    }

    @Test("each module opens with a README")
    func readme() {
        let found = SourceTree.modules.compactMap { module -> String? in
            let folder = module == "Benchmarks" ? module : "Sources/\(module)"
            let text = SourceTree.text("\(folder)/README.md") ?? ""
            let count = text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
            return count >= 8 ? nil : "\(folder)/README.md has \(max(0, count)) lines, not 8"
        }
        expectNone(found)
    }

    @Test("the package can be depended on: no unsafe flags, no other packages")
    func manifest() throws {
        let text = try #require(SourceTree.text("Package.swift"))
        let code = CodeOnly.blank(text)
        #expect(!contains("unsafeFlags", in: code))
        #expect(!code.contains(".package("))
    }
}
