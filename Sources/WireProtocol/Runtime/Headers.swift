package import Primitives

/// What stands before every request.
package struct RequestHeader: Sendable {
    package var apiKey: APIKey
    package var apiVersion: Int16
    package var correlationId: Int32
    package var clientId: String?
    package var unknownTaggedFields: [TaggedField] = []

    package init(apiKey: APIKey, apiVersion: Int16, correlationId: Int32, clientId: String?) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationId = correlationId
        self.clientId = clientId
    }

    /// Reads a header whose version follows from the API's key and version.
    ///
    /// Whether that API and version exist is for the caller to see: of an unknown key only what
    /// every header has is read, and a version above those defined is taken to be flexible if the
    /// last one is.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        apiKey = APIKey(rawValue: try reader.readInt16())
        apiVersion = try reader.readInt16()
        correlationId = try reader.readInt32()
        let version = apiKey.requestHeaderVersion(apiVersion)
        // The client id keeps its two-byte length in every version, so that it can be read
        // before the version is understood.
        if version >= 1 { clientId = try reader.readNullableString(compact: false) }
        if version >= 2 { unknownTaggedFields = try reader.readTaggedFields() }
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(apiKey.rawValue)
        writer.write(apiVersion)
        writer.write(correlationId)
        let version = apiKey.requestHeaderVersion(apiVersion)
        if version >= 1 { writer.write(string: clientId, compact: false) }
        if version >= 2 { writer.write(taggedFields: unknownTaggedFields) }
    }
}

/// What stands before every response.
package struct ResponseHeader: Sendable {
    package var correlationId: Int32
    package var unknownTaggedFields: [TaggedField] = []

    package init(correlationId: Int32) { self.correlationId = correlationId }

    /// Reads the header of the answer to a request of this key and version.
    package init(
        from reader: inout ByteReader, apiKey: APIKey, apiVersion: Int16
    ) throws(DecodeError) {
        correlationId = try reader.readInt32()
        if apiKey.responseHeaderVersion(apiVersion) >= 1 {
            unknownTaggedFields = try reader.readTaggedFields()
        }
    }

    package func encode(into writer: inout ByteWriter, apiKey: APIKey, apiVersion: Int16) {
        writer.write(correlationId)
        if apiKey.responseHeaderVersion(apiVersion) >= 1 {
            writer.write(taggedFields: unknownTaggedFields)
        }
    }
}
