/// How links behave that are made while it lasts.
package struct Weather: Sendable {
    /// Microseconds from one end to the other.
    package var latency: ClosedRange<Int64> = 50...2000
    /// So many of a hundred pieces are held up for longer.
    package var delayedPercent = 2
    package var longLatency: ClosedRange<Int64> = 2000...200_000
    /// Of a hundred links so many have a client that reads slowly, through a small window.
    package var slowReaderPercent = 10

    /// Nothing is out of the ordinary.
    package static let calm = {
        var weather = Weather()
        weather.delayedPercent = 0
        weather.slowReaderPercent = 0
        return weather
    }()

    package init() {}
}

/// One end of a link is told of its end, or not.
package struct Notices: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static let client = Notices(rawValue: 1)
    package static let server = Notices(rawValue: 2)
    package static let both: Notices = [.client, .server]
}
