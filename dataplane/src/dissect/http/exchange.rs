//! A request and the response to it, on their way.

use super::h2::Http2Detail;
use super::message::{Request, Response};
use super::payload::Payload;
use super::record::Transaction;
use super::{FORM_MAX, Role};

/// What was seen of a request and its response.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) id: u64,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    /// Whether the request has come to its end.
    pub(super) is_asked: bool,
    /// Whether the response has.
    pub(super) is_answered: bool,
    /// Whether `100 Continue` was seen.
    pub(super) has_leave: bool,
    pub(super) request_len: u64,
    pub(super) response_len: u64,
    /// Of a stream of HTTP/2, what its frames say beside.
    pub(super) http2: Option<Box<Http2Detail>>,
    /// The bodies that are on their way, the client's and the server's.
    payloads: [Option<Box<Payload>>; 2],
    /// The body of a form.
    form: Option<Vec<u8>>,
}

impl Exchange {
    pub(super) fn asked(id: u64, request: Request) -> Self {
        let mut exchange = Self { id, ..Self::default() };
        exchange.ask(request);
        exchange
    }

    /// The head of the request has come.
    pub(super) fn ask(&mut self, request: Request) {
        const FORM: &str = "application/x-www-form-urlencoded";
        let kind = request.fields().first("content-type").unwrap_or_default();
        let is_form = kind.get(..FORM.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(FORM));
        self.form = is_form.then(Vec::new);
        self.request = Some(request);
    }

    /// One whose request was not seen.
    pub(super) fn unasked(id: u64) -> Self {
        Self { id, is_asked: true, ..Self::default() }
    }

    /// One of a stream of HTTP/2, or of the connection itself.
    pub(super) fn of_stream(id: u64, stream_id: u32) -> Self {
        let http2 = Http2Detail { stream_id, ..Http2Detail::default() };
        Self { id, http2: Some(Box::new(http2)), ..Self::default() }
    }

    /// Keeps a part of a form, up to a limit.
    pub(super) fn keep_form(&mut self, bytes: &[u8]) {
        if let Some(form) = &mut self.form {
            let room = FORM_MAX.saturating_sub(form.len());
            form.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// The form, once it is whole.
    pub(super) fn take_form(&mut self) -> Option<Vec<u8>> {
        self.form.take()
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_asked && self.is_answered
    }

    /// Bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        let heads =
            self.request.as_ref().map_or(0, Request::size) + self.response.as_ref().map_or(0, Response::size);
        let bodies: usize = self.payloads.iter().flatten().map(|payload| payload.held()).sum();
        size_of::<Self>() + heads + bodies + self.form.as_ref().map_or(0, Vec::capacity)
    }

    pub(super) fn take_payload(&mut self, role: Role) -> Option<Box<Payload>> {
        self.payload(role).take()
    }

    pub(super) fn set_payload(&mut self, role: Role, payload: Box<Payload>) {
        *self.payload(role) = Some(payload);
    }

    fn payload(&mut self, role: Role) -> &mut Option<Box<Payload>> {
        let [client, server] = &mut self.payloads;
        if role == Role::Client { client } else { server }
    }

    /// What is known so far, to stand beside a file: of many files in one message
    /// each has it.
    pub(super) fn brief(&self) -> Transaction {
        Transaction {
            id: self.id,
            request: self.request.as_ref().map(Request::brief),
            response: self.response.as_ref().map(Response::brief),
            request_len: self.request_len,
            response_len: self.response_len,
            is_brief: true,
            http2: self.http2.clone(),
        }
    }

    /// What is told of it.
    pub(super) fn into_transaction(self) -> Transaction {
        let Self { id, request, response, request_len, response_len, http2, .. } = self;
        Transaction { id, request, response, request_len, response_len, is_brief: false, http2 }
    }
}
