internal import Primitives

/// All samples of one name. They are written one row at a time, when there is room for them.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable { case counter, gauge, histogram }

    let name: String
    let kind: Kind
    /// A sentence for operators.
    let help: String
    /// A row is a sample; of a histogram, everything about one set of labels.
    let rowCount: Int
    private let write: @Sendable (_ row: Int, inout ExpositionWriter) -> Void

    /// - Parameter write: writes a row's lines; the same row always the same lines.
    init(
        _ name: String, _ kind: Kind, _ help: String, rowCount: Int,
        write: @escaping @Sendable (_ row: Int, inout ExpositionWriter) -> Void
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.rowCount = rowCount
        self.write = write
    }

    /// One sample without labels.
    init(_ name: String, _ kind: Kind, _ help: String, _ value: MetricValue) {
        self.init(name, kind, help, rowCount: 1) { _, writer in
            writer.name(name)
            writer.value(value)
        }
    }

    /// A sample for each element that has a value.
    init<Element: Sendable>(
        _ name: String, _ kind: Kind, _ help: String, _ elements: [Element],
        labels: @escaping @Sendable (Element, inout ExpositionWriter) -> Void,
        value: @escaping @Sendable (Element) -> MetricValue?
    ) {
        self.init(name, kind, help, rowCount: elements.count) { row, writer in
            guard let value = value(elements[row]) else { return }
            writer.name(name)
            labels(elements[row], &writer)
            writer.value(value)
        }
    }

    fileprivate func write(row: Int, into writer: inout ExpositionWriter) {
        if row == 0 { writer.head(of: name, help: help, type: kind.rawValue) }
        write(row, &writer)
    }
}

/// What a scrape says, made piece by piece.
struct Exposition: Sendable {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private let families: [MetricFamily]
    private var family = 0
    private var row = 0

    /// Families without a row are left out.
    init(_ families: [MetricFamily]) { self.families = families.filter { $0.rowCount > 0 } }

    var isAtEnd: Bool { family == families.count }

    /// The next rows: a little more than `limit` bytes, less only at the end.
    mutating func nextPiece(limit: Int) -> Bytes {
        var writer = ExpositionWriter(capacity: limit + 1024)
        while family < families.count, writer.count < limit {
            families[family].write(row: row, into: &writer)
            row += 1
            if row == families[family].rowCount { (family, row) = (family + 1, 0) }
        }
        return writer.finish()
    }
}
