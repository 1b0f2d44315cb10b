internal import Coordination
internal import Synchronization

/// Brings what the broker serves in line with the metadata: its partitions, then the groups that
/// some of them coordinate. From any thread, one after another; it does file work.
final class Publication: Sendable {
    private let partitions: PartitionSet
    private let groups: GroupCoordinator
    private let isPublishing = Mutex(())

    init(partitions: PartitionSet, groups: GroupCoordinator) {
        self.partitions = partitions
        self.groups = groups
    }

    func publish(_ image: MetadataImage) {
        isPublishing.withLock { _ in
            partitions.apply(image)
            groups.apply()
        }
    }

    /// Tries again what could not be opened, as on a disk that was full.
    func tryUnserved() {
        isPublishing.withLock { _ in
            guard partitions.hasUnserved else { return }
            partitions.apply(partitions.view.now.image)
            groups.apply()
        }
    }
}
