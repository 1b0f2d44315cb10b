/// An order, as the events of its life add up to it.
struct Order {
    enum State: String {
        case created, paid, shipped
    }

    var state: State
    var items: String

    /// The order after one more event; nil where an event cannot begin an order.
    init?(_ order: Order?, after event: String) {
        let words = event.split(separator: " ", maxSplits: 1).map(String.init)
        guard let state = words.first.flatMap(State.init) else { return nil }
        guard let items = order?.items ?? words.dropFirst().first else { return nil }
        self.state = state
        self.items = items
    }
}
