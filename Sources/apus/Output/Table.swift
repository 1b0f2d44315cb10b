/// Rows under a head, each column as wide as its widest cell; numbers to the right. A row is one line,
/// whatever its cells have in them (`printable`).
struct Table {
    private let head: [String]
    private let rightAligned: Set<Int>
    private var rows: [[String]] = []

    /// - Parameter rightAligned: numbers of the columns that hold numbers.
    init(_ head: [String], rightAligned: Set<Int>) {
        self.head = head
        self.rightAligned = rightAligned
    }

    /// - Precondition: a cell for each column.
    mutating func add(_ row: [String]) {
        precondition(row.count == head.count, "\(row.count) cells for \(head.count) columns")
        rows.append(row.map(\.printable))
    }

    func write(to output: Output) {
        let widths = head.indices.map { column in
            ([head] + rows).map { $0[column].count }.max() ?? 0
        }
        for row in [head] + rows {
            let cells = row.indices.map { column -> String in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                if rightAligned.contains(column) { return space + row[column] }
                return row[column] + space
            }
            var line = cells.joined(separator: "  ")
            // Nothing follows the last cell that is not empty.
            while line.hasSuffix(" ") { line.removeLast() }
            output.write(line + "\n")
        }
    }
}
