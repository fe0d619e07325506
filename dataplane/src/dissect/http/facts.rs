//! What rules are asked about, of HTTP.

use std::cell::OnceCell;

use super::message::{Request, Response};
use super::{Role, uri};

/// A moment of an exchange.
#[derive(Debug)]
pub struct HttpFacts<'a> {
    /// The request, if it was seen.
    pub request: Option<&'a Request>,
    /// The response, if its head has come.
    pub response: Option<&'a Response>,
    /// The part of a body that this is about.
    pub body: Option<BodyPart<'a>>,
    pub(super) role: Role,
}

/// A part of a body, decoded.
#[derive(Debug)]
pub struct BodyPart<'a> {
    /// The bytes; none at the end of the body.
    pub bytes: &'a [u8],
    /// How many bytes of the body came before.
    pub offset: u64,
    /// Whether it is the last.
    pub is_last: bool,
    pub(super) form: Option<&'a [u8]>,
    decoded: OnceCell<Option<String>>,
}

impl<'a> BodyPart<'a> {
    /// A part that is not the last.
    pub(super) const fn new(bytes: &'a [u8], offset: u64) -> Self {
        Self { bytes, offset, is_last: false, form: None, decoded: OnceCell::new() }
    }

    /// The end of a body, and the form that it was.
    pub(super) const fn last(offset: u64, form: Option<&'a [u8]>) -> Self {
        Self { bytes: &[], offset, is_last: true, form, decoded: OnceCell::new() }
    }
}

impl BodyPart<'_> {
    /// The whole form, decoded: at its end, where it was sent as
    /// `application/x-www-form-urlencoded`.
    pub fn form(&self) -> Option<&str> {
        let decode = || self.form.map(|form| uri::decode_form(&super::head::text(form)));
        self.decoded.get_or_init(decode).as_deref()
    }
}

impl HttpFacts<'_> {
    /// Whether it is the server that says this.
    pub fn is_response(&self) -> bool {
        self.role == Role::Server
    }

    /// A field of the message that this is about.
    pub fn own(&self, name: &str) -> Option<&str> {
        match self.role {
            Role::Client => self.asked(name),
            Role::Server => self.answered(name),
        }
    }

    /// A field of the request.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.request?.fields().first(name)
    }

    /// A field of the response.
    pub fn answered(&self, name: &str) -> Option<&str> {
        self.response?.fields().first(name)
    }
}
