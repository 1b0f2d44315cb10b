/// A definition file cut into lines with their depth; comments are kept with what follows them.
struct Line {
    var number: Int
    /// Indentation in steps of four spaces.
    var depth: Int
    /// Words without the indentation.
    var words: [Substring]
    /// The comment lines directly above, without `# `.
    var comment: [String]
}

/// Cuts `text` into lines. Empty lines separate comments from what follows.
func lines(of text: String, path: String) throws(DefinitionError) -> [Line] {
    var result: [Line] = []
    var comment: [String] = []
    var number = 0
    for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
        number += 1
        let spaces = raw.prefix { $0 == " " }.count
        let content = raw.dropFirst(spaces)
        if content.isEmpty {
            comment = []
            continue
        }
        if content.hasPrefix("#") {
            comment.append(String(content.dropFirst().drop { $0 == " " }))
            continue
        }
        guard !raw.contains("\t"), spaces % 4 == 0 else {
            throw DefinitionError(
                path: path, line: number,
                message: "indentation of \(spaces) columns; expected steps of four spaces, no tabs")
        }
        result.append(
            Line(
                number: number, depth: spaces / 4, words: content.split(separator: " "),
                comment: comment))
        comment = []
    }
    return result
}
