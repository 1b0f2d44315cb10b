internal import Glibc

/// `wiregen [--check] [FOLDER]`: brings FOLDER/Generated in step with FOLDER/Definitions, or with
/// `--check` only says whether it is. FOLDER is Sources/WireProtocol unless given.
///
/// Exit codes: 0 in step, 1 not in step (`--check`) or wrong definitions, 2 wrong use.
func run(_ arguments: [String]) -> CInt {
    var folder = "Sources/WireProtocol"
    var isCheck = false
    for argument in arguments {
        switch argument {
        case "--check": isCheck = true
        case _ where argument.hasPrefix("-"):
            report("usage: wiregen [--check] [FOLDER]")
            return 2
        default: folder = argument
        }
    }
    do {
        let definitions = try textFiles(below: folder + "/Definitions", suffix: ".wire")
        let generated = try Generator(definitions).generate()
        let target = folder + "/Generated"
        if isCheck {
            let drift = Drift.between(
                generated: generated, present: try textFiles(below: target, suffix: ".swift"))
            for line in drift { report(line.description) }
            return drift.isEmpty ? 0 : 1
        }
        try update(target, to: generated)
        return 0
    } catch {
        report("\(error)")
        return 1
    }
}

/// Writes what changed, so that unchanged files need not be compiled again.
func update(_ target: String, to generated: [TextFile]) throws(FileProblem) {
    if unsafe mkdir(target, 0o755) != 0, errno != EEXIST { throw FileProblem("make", target) }
    let present = try textFiles(below: target, suffix: ".swift")
    for drift in Drift.between(generated: generated, present: present) {
        switch drift {
        case .missing(let path), .changed(let path):
            for file in generated where file.path == path {
                try write(file.text, to: target + "/" + path)
            }
        case .superfluous(let path): try remove(target + "/" + path)
        }
    }
}

exit(run(Array(CommandLine.arguments.dropFirst())))
