internal import Coordination
internal import Primitives
internal import WireProtocol

/// ApiVersions, versions 0 to 4 (KIP-35, KIP-511, KIP-584).
///
/// Lists what the router serves, so the list cannot differ from the truth. A later version than 4
/// is answered by the router, in the layout of version 0 with UNSUPPORTED_VERSION.
struct ApiVersionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    let view: CurrentView
    /// The router's routes and this one.
    let announced: [ApiVersionsResponse.ApiVersion]

    func handle(_ request: ApiVersionsRequest, _ call: Call<ApiVersionsResponse>) {
        var response = ApiVersionsResponse()
        if call.version >= 3,
            !Self.isLegal(request.clientSoftwareName)
                || !Self.isLegal(request.clientSoftwareVersion)
        {
            response.errorCode = ErrorCode.invalidRequest.rawValue
            return call.answer(response)
        }
        response.apiKeys = announced
        let image = view.now.image
        response.finalizedFeaturesEpoch = image.provenance.offset.rawValue
        for name in image.features.keys {
            guard let level = image.features[name] else { continue }
            var finalized = ApiVersionsResponse.FinalizedFeatureKey()
            finalized.name = name
            finalized.maxVersionLevel = level
            finalized.minVersionLevel = level
            response.finalizedFeatures.append(finalized)
        }
        response.supportedFeatures = SupportedFeatures.all.map { range in
            var supported = ApiVersionsResponse.SupportedFeatureKey()
            supported.name = range.name
            supported.minVersion = range.minimum
            supported.maxVersion = range.maximum
            return supported
        }
        call.answer(response)
    }

    /// KIP-511: letters, digits, dots and dashes, with a letter or digit at both ends.
    private static func isLegal(_ name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        guard let first = name.utf8.first, let last = name.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && name.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }
}
