//! What is told of a request and its response.

use super::h2::Http2Detail;
use super::message::{Request, Response};

/// A request and the response to it, as far as both were seen.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its number in the flow, from 0.
    pub id: u64,
    /// The request; `None` where the response alone was seen.
    pub request: Option<Request>,
    /// The response; `None` where none was seen.
    pub response: Option<Response>,
    /// Bytes of the request's body on the wire.
    pub request_len: u64,
    /// Bytes of the response's body on the wire: chunked and compressed as it
    /// was.
    pub response_len: u64,
    /// Whether it stands beside a file, with few of its fields: it is told in full
    /// at its end.
    pub is_brief: bool,
    /// Of a stream of HTTP/2, what its frames say beside.
    pub http2: Option<Box<Http2Detail>>,
}
