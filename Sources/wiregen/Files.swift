internal import Glibc

/// A file or folder that could not be read or written.
package struct FileProblem: Error, CustomStringConvertible {
    package let description: String

    init(_ operation: String, _ path: String) {
        description = unsafe "cannot \(operation) \(path): \(String(cString: strerror(errno)))"
    }
}

/// The text files below `root` whose names end in `suffix`, sorted by path.
package func textFiles(below root: String, suffix: String) throws(FileProblem) -> [TextFile] {
    var found: [TextFile] = []
    var folders = [""]
    while let folder = folders.popLast() {
        let full = folder.isEmpty ? root : root + "/" + folder
        for name in try names(in: full) {
            let path = folder.isEmpty ? name : folder + "/" + name
            if isFolder(root + "/" + path) {
                folders.append(path)
            } else if name.hasSuffix(suffix) {
                found.append(TextFile(path: path, text: try read(root + "/" + path)))
            }
        }
    }
    return found.sorted { $0.path < $1.path }
}

private func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

private func names(in folder: String) throws(FileProblem) -> [String] {
    guard let directory = unsafe opendir(folder) else { throw FileProblem("list", folder) }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
        if !name.hasPrefix(".") { names.append(name) }
    }
    return names
}

package func read(_ path: String) throws(FileProblem) -> String {
    guard let file = unsafe fopen(path, "r") else { throw FileProblem("open", path) }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = unsafe fread(&buffer, 1, buffer.count, file)
        if count == 0 { break }
        bytes.append(contentsOf: buffer[..<count])
    }
    if unsafe ferror(file) != 0 { throw FileProblem("read", path) }
    return String(decoding: bytes, as: UTF8.self)
}

func write(_ text: String, to path: String) throws(FileProblem) {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let folderPath = folder.joined(separator: "/")
    if !folderPath.isEmpty, unsafe mkdir(folderPath, 0o755) != 0, errno != EEXIST {
        throw FileProblem("make folder", folderPath)
    }
    guard let file = unsafe fopen(path, "w") else { throw FileProblem("write", path) }
    let bytes = Array(text.utf8)
    let written = unsafe fwrite(bytes, 1, bytes.count, file)
    guard unsafe fclose(file) == 0, written == bytes.count else { throw FileProblem("write", path) }
}

func remove(_ path: String) throws(FileProblem) {
    guard unsafe unlink(path) == 0 else { throw FileProblem("remove", path) }
}

/// A line on standard error; where that is closed, nobody is left to tell.
func report(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe Glibc.write(STDERR_FILENO, bytes, bytes.count)
}
