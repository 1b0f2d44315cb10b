internal import Glibc

/// SQLite as this machine has it, loaded when asked for: the package links no third library.
///
/// The few functions that a table of records needs. Not for several threads.
///
/// Unsafe throughout, as the library is C and found by name: each function is cast to the type that
/// SQLite's documentation gives it.
@safe final class SQLite {
    /// What an SQL statement or a connection is to C.
    typealias Handle = OpaquePointer

    private typealias Open =
        @convention(c) (UnsafePointer<CChar>, UnsafeMutablePointer<Handle?>) -> CInt
    private typealias Prepare =
        @convention(c) (
            Handle, UnsafePointer<CChar>, CInt, UnsafeMutablePointer<Handle?>,
            UnsafeMutableRawPointer?
        ) -> CInt
    private typealias BindBlob =
        @convention(c) (
            Handle, CInt, UnsafeRawPointer?, CInt, UnsafeMutableRawPointer?
        ) -> CInt
    private typealias Call = @convention(c) (Handle) -> CInt

    private let library: UnsafeMutableRawPointer
    private let connection: Handle
    private let prepare: Prepare
    private let bindBlob: BindBlob
    private let stepCall: Call
    private let resetCall: Call
    private let finalizeCall: Call
    private let closeCall: Call

    /// The result codes that are not failures: a statement is through, or has a row.
    private static let done: CInt = 101
    private static let row: CInt = 100

    /// nil on a machine without SQLite.
    init?(opening path: String) throws(BenchmarkFailed) {
        guard let library = unsafe dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL) else {
            return nil
        }
        unsafe self.library = unsafe library
        func function<Function>(_ name: String, _ type: Function.Type) throws(BenchmarkFailed)
            -> Function
        {
            guard let symbol = unsafe dlsym(library, name) else {
                throw BenchmarkFailed("SQLite has no \(name)")
            }
            return unsafe unsafeBitCast(symbol, to: type)
        }
        unsafe prepare = try function("sqlite3_prepare_v2", Prepare.self)
        unsafe bindBlob = try function("sqlite3_bind_blob", BindBlob.self)
        unsafe stepCall = unsafe try function("sqlite3_step", Call.self)
        unsafe resetCall = unsafe try function("sqlite3_reset", Call.self)
        unsafe finalizeCall = unsafe try function("sqlite3_finalize", Call.self)
        unsafe closeCall = unsafe try function("sqlite3_close_v2", Call.self)
        let open = unsafe try function("sqlite3_open", Open.self)
        var opened: Handle?
        guard unsafe open(path, &opened) == 0, let handle = unsafe opened else {
            throw BenchmarkFailed("SQLite cannot open \(path)")
        }
        unsafe connection = handle
    }

    deinit {
        _ = unsafe closeCall(connection)
        _ = unsafe dlclose(library)
    }

    /// Runs one statement whose rows nobody wants.
    func execute(_ sql: String) throws(BenchmarkFailed) {
        let statement = try Statement(self, sql)
        try statement.run()
    }

    /// A prepared statement.
    @safe final class Statement {
        /// Kept open, and the library loaded, for as long as there is a statement.
        private let database: SQLite
        private let handle: Handle
        private let bindBlob: BindBlob
        private let stepCall: Call
        private let resetCall: Call
        private let finalizeCall: Call

        init(_ database: SQLite, _ sql: String) throws(BenchmarkFailed) {
            var made: Handle?
            guard unsafe database.prepare(database.connection, sql, -1, &made, nil) == 0,
                let statement = unsafe made
            else { throw BenchmarkFailed("SQLite does not take: \(sql)") }
            self.database = database
            unsafe handle = statement
            unsafe bindBlob = unsafe database.bindBlob
            unsafe stepCall = unsafe database.stepCall
            unsafe resetCall = unsafe database.resetCall
            unsafe finalizeCall = unsafe database.finalizeCall
        }

        deinit { _ = unsafe finalizeCall(handle) }

        /// Runs the statement to its end, ready to be run again.
        func run() throws(BenchmarkFailed) {
            var code = unsafe stepCall(handle)
            while code == SQLite.row { code = unsafe stepCall(handle) }
            guard code == SQLite.done else { throw BenchmarkFailed("SQLite failed: \(code)") }
            _ = unsafe resetCall(handle)
        }

        /// Runs the statement with `bytes` as its first parameter.
        func run(_ bytes: [UInt8]) throws(BenchmarkFailed) {
            let code = unsafe bytes.withUnsafeBytes { memory in
                // No destructor: the bytes stay where they are until the statement has run.
                let bound = unsafe bindBlob(
                    handle, 1, memory.baseAddress, CInt(memory.count), nil)
                return bound == 0 ? unsafe stepCall(handle) : bound
            }
            guard code == SQLite.done else { throw BenchmarkFailed("SQLite failed: \(code)") }
            _ = unsafe resetCall(handle)
        }
    }
}
