/// The release, as `--version` says it.
package enum Release {
    package static let version = "0.1.0"
}
