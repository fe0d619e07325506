//! What is odd about HTTP messages, and under which anomaly it is told.
//!
//! A message is told of at most once for each.

use super::Role;
use crate::anomaly::Anomaly;

macro_rules! oddities {
    ($($(#[doc = $doc:literal])+ $variant:ident => $of_request:ident, $of_response:ident;)+) => {
        /// One oddity of a message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Oddity {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Oddity {
            const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Under which name it is told of what this side sent.
            pub(super) const fn anomaly(self, role: Role) -> Anomaly {
                match (self, role) {
                    $((Self::$variant, Role::Client) => Anomaly::$of_request,
                    (Self::$variant, Role::Server) => Anomaly::$of_response,)+
                }
            }
        }
    };
}

oddities! {
    /// The first line begins with blanks, or empty lines stand before it.
    LeadingBlanks => HttpRequestLineLeadingWhitespace, HttpDeformedEol;
    /// The first line is none of a request or response.
    LineInvalid => HttpRequestLineInvalid, HttpResponseLineInvalidProtocol;
    /// Other than one space parts the words of the first line.
    LineSpacing => HttpUriDelimNonCompliant, HttpResponseLineSpacing;
    /// The first line says no version, and is not of version 0.9.
    NoProtocol => HttpRequestLineMissingProtocol, HttpResponseInvalidProtocol;
    /// A version that does not exist.
    VersionInvalid => HttpRequestInvalidProtocol, HttpResponseInvalidProtocol;
    /// A status that is none.
    StatusInvalid => HttpResponseInvalidStatus, HttpResponseInvalidStatus;
    /// A method that is not known, or is of another protocol.
    MethodUnknown => HttpRequestLineUnknownMethod, HttpRequestLineUnknownMethod;
    /// A line or the whole head is too long; the rest of it was passed over.
    TooLong => HttpRequestFieldTooLong, HttpResponseFieldTooLong;
    /// Too many header lines; the rest was passed over.
    TooMany => HttpRequestTooManyHeaders, HttpResponseTooManyHeaders;
    /// A header line without a colon.
    NoColon => HttpRequestFieldMissingColon, HttpResponseFieldMissingColon;
    /// A header without a name.
    NameEmpty => HttpRequestInvalidEmptyName, HttpResponseInvalidEmptyName;
    /// Blanks before the colon.
    NameSpaced => HttpRequestInvalidLwsAfterName, HttpResponseInvalidLwsAfterName;
    /// A header's name has what no name may have.
    NameInvalid => HttpRequestHeaderInvalid, HttpResponseHeaderNameNotToken;
    /// A header's value has control characters.
    ValueInvalid => HttpRequestHeaderInvalid, HttpResponseHeaderInvalid;
    /// A header goes on in the next line: obsolete, and read in many ways.
    Folded => HttpInvalidRequestFieldFolding, HttpInvalidResponseFieldFolding;
    /// Lines end with something else than a carriage return and a line feed.
    LineEnd => HttpDeformedEol, HttpDeformedEol;
    /// A length that is none.
    LengthInvalid => HttpInvalidContentLengthFieldInRequest, HttpInvalidContentLengthFieldInResponse;
    /// Something stands before a length.
    LengthJunkBefore => HttpContentLengthExtraDataStart, HttpContentLengthExtraDataStart;
    /// Something stands after a length.
    LengthJunkAfter => HttpContentLengthExtraDataEnd, HttpContentLengthExtraDataEnd;
    /// The length is said twice.
    LengthRepeated => HttpDuplicateContentLengthFieldInRequest, HttpDuplicateContentLengthFieldInResponse;
    /// Two lengths that differ, or a length and chunks: two readers may see two
    /// different messages.
    Smuggling => HttpRequestSmuggling, HttpResponseSmuggling;
    /// A transfer coding that is not known, or chunks that are not the last.
    CodingInvalid => HttpInvalidTransferEncodingValueInRequest, HttpResponseAbnormalTransferEncoding;
    /// Chunks before version 1.1.
    ChunkedOld => HttpRequestChunkedOldProto, HttpResponseChunkedOldProto;
    /// The length of a chunk is none.
    ChunkInvalid => HttpInvalidRequestChunkLen, HttpInvalidResponseChunkLen;
    /// A chunk's extension does not read.
    ChunkExtension => HttpRequestChunkExtension, HttpResponseChunkExtension;
    /// Several `Host` or none, or one that is not the target's.
    HostMissing => HttpMissingHostHeader, HttpMissingHostHeader;
    /// `Host` is said twice, or is not the target's.
    HostAmbiguous => HttpHostHeaderAmbiguous, HttpHostHeaderAmbiguous;
    /// `Host` is no host.
    HostInvalid => HttpRequestHeaderHostInvalid, HttpRequestHeaderHostInvalid;
    /// Credentials that do not read.
    Credentials => HttpRequestAuthUnrecognized, HttpRequestAuthUnrecognized;
    /// A body where there may be none.
    BodyUnexpected => HttpRequestBodyUnexpected, HttpResponseBodyUnexpected;
    /// Data follow the last message of a connection, or what is no message.
    DataAfterEnd => HttpRequestDataAfterClose, HttpResponseDataAfterClose;
    /// A body that is not in the coding that its head says.
    CodingFailed => HttpGzipDecompressionFailed, HttpGzipDecompressionFailed;
    /// A body that grows beyond measure.
    Bomb => HttpCompressionBomb, HttpCompressionBomb;
    /// A coding of content that is not known.
    CodingUnknown => HttpAbnormalCeHeader, HttpAbnormalCeHeader;
    /// More codings of content than are undone.
    CodingLayers => HttpTooManyEncodingLayers, HttpTooManyEncodingLayers;
    /// More files in a form than are followed.
    FormFiles => HttpMultipartGenericError, HttpMultipartGenericError;
    /// A response without a request.
    Unmatched => HttpUnableToMatchResponseToRequest, HttpUnableToMatchResponseToRequest;
    /// A second `100 Continue`.
    Continued => Http100ContinueAlreadySeen, Http100ContinueAlreadySeen;
    /// A switch of protocols with a length.
    SwitchWithLength => HttpSwitchingProtoWithContentLength, HttpSwitchingProtoWithContentLength;
    /// A path that is encoded twice.
    DoubleEncoded => HttpDoubleEncodedUri, HttpDoubleEncodedUri;
}

/// A set of oddities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    bits: u64,
}

impl Oddities {
    pub(super) const fn add(&mut self, oddity: Oddity) {
        self.bits |= 1 << oddity as u8;
    }

    /// Adds it where it holds.
    pub(super) const fn note(&mut self, holds: bool, oddity: Oddity) {
        if holds {
            self.add(oddity);
        }
    }

    pub(super) const fn join(&mut self, other: Self) {
        self.bits |= other.bits;
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self { bits: self.bits & !other.bits }
    }

    #[cfg(test)]
    pub(super) const fn is_empty(self) -> bool {
        self.bits == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Oddity> {
        Oddity::ALL.iter().copied().filter(move |&oddity| self.bits & (1 << oddity as u8) != 0)
    }
}

const _: () = assert!(Oddity::ALL.len() <= 64, "one bit each");
