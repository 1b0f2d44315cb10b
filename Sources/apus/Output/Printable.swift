extension String {
    /// The text without what a terminal would obey or what would look like another line: control
    /// characters, and those that turn the direction of writing, as `\u{1b}`. Names of groups and
    /// clients are whatever somebody chose.
    var printable: String {
        guard unicodeScalars.contains(where: \.isObeyed) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.isObeyed {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isObeyed: Bool {
        // Most names are ASCII, of which the properties need not be looked up.
        if value >= 0x20, value < 0x7f { return false }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return false
        }
    }
}
