import Foundation
import LogCore

// A shop that keeps its orders as a stream of events: nothing is ever overwritten, the present is
// what the events add up to, and whatever has to follow from an event (a mail, a parcel) reads the
// same stream at its own pace. Run it with `swift run Orders`.

let directory = FileManager.default.temporaryDirectory.appending(path: "orders-\(UUID())").path
defer { try? FileManager.default.removeItem(atPath: directory) }

try await takeOrders()
try await afterTheCrash()

/// The shop's day, up to the moment when somebody pulls the plug.
func takeOrders() async throws {
    let store = try await LogStore.open(directory)
    let orders = try await store.createTopic("orders")

    // `synced`: on disk before the customer sees "thank you".
    try await orders.append("created 2 tea", key: "order-1", durability: .synced)
    try await orders.append("created 1 coffee", key: "order-2", durability: .synced)
    try await orders.append([
        NewRecord("paid", key: "order-1"), NewRecord("paid", key: "order-2"),
    ])

    // Two clerks see that order-1 is paid, and both want to ship it. One is faster.
    let partition = try orders.partition(0)
    let end = try partition.endOffset
    for clerk in ["Ann", "Bob"] {
        do {
            try await partition.append(
                "shipped", key: "order-1", headers: [LogHeader("by", RecordBytes(clerk))],
                expectedEndOffset: end)
            print("\(clerk) ships order-1")
        } catch LogStoreError.unexpectedEndOffset {
            print("\(clerk) looks again: somebody was faster")
        }
    }

    // The newest price of each tea; older ones are cleaned away in time.
    let prices = try await store.createTopic("prices", settings: .compacted)
    try await prices.append([
        NewRecord("3.20", key: "assam"), NewRecord("4.10", key: "darjeeling"),
        NewRecord("3.40", key: "assam"),
    ])
    let price = try await prices.newestValue(forKey: "assam")
    print("assam costs \(price?.string ?? "?")")

    // The mailer handles two events and commits each. Then the plug: no close().
    let mailer = try store.cursor(named: "mailer")
    var mails = 0
    for try await event in orders.follow(mailer) {
        mail(event)
        try await mailer.commit(after: event, in: orders)
        mails += 1
        if mails == 2 { break }
    }
    print("-- crash --")
}

/// Everything is still there, and the mailer goes on where it was.
func afterTheCrash() async throws {
    let store = try await LogStore.open(directory)
    let orders = try await store.topic("orders")
    let mailer = try store.cursor(named: "mailer")
    print("closed cleanly: \(store.recovery.wasClosedCleanly)")
    print("mails to send: \(try await mailer.lag(in: orders))")
    for try await event in orders.records(mailer) {
        mail(event)
        try await mailer.commit(after: event, in: orders)
    }

    // The present: all events, added up.
    var present: [String: Order] = [:]
    for try await event in orders.records() {
        guard let id = event.key?.string, let text = event.value?.string else { continue }
        present[id] = Order(present[id], after: text)
    }
    for (id, order) in present.sorted(by: { $0.key < $1.key }) {
        print("\(id): \(order.items), \(order.state)")
    }
    try await store.close()
}

func mail(_ event: LogRecord) {
    print("mail \(event.offset): \(event.key?.string ?? "") is \(event.value?.string ?? "")")
}
