//! Requests and responses: heads, read.

use std::cell::OnceCell;

use super::Role;
use super::head::{self, Fields, text};
use super::oddity::{Oddities, Oddity};
use super::start::{self, Version};
use super::uri::{self, Target};

/// A request's head.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    protocol: Option<String>,
    version: Version,
    fields: Fields,
    host: Option<String>,
    port: Option<u16>,
    read: ReadLater,
}

/// What is read of a request's head only when it is asked for.
#[derive(Clone, Debug, Default)]
struct ReadLater {
    target: OnceCell<Target>,
    args: OnceCell<Option<String>>,
    cookies: OnceCell<Option<String>>,
    headers: OnceCell<String>,
}

impl ReadLater {
    /// Bytes of memory that it takes.
    fn size(&self) -> usize {
        let texts = [self.args.get(), self.cookies.get()].map(|text| text.and_then(Option::as_ref));
        let texts = texts.into_iter().chain([self.headers.get()]).flatten().map(String::capacity);
        texts.sum::<usize>() + self.target.get().map_or(0, Target::size)
    }
}

impl Request {
    /// Reads a head, and notes what is odd about it.
    pub(super) fn read(head: &[u8], odd: &mut Oddities) -> Self {
        let (first, fields) = head::read(Role::Client, head, odd);
        let line = start::request_line(&first, odd);
        let is_alone =
            head.split_inclusive(|&byte| byte == b'\n').skip(1).all(|line| line.trim_ascii().is_empty());
        let has_blank_lines = head.split_inclusive(|&byte| byte == b'\n').count() > 2;
        odd.note(line.protocol.is_none() && (!is_alone || has_blank_lines), Oddity::NoProtocol);
        let (method, target) = (text(line.method), text(line.target));
        let (host, port) = host_of(&method, &target, &fields, line.version, odd);
        odd.note(uri::is_encoded_twice(&target), Oddity::DoubleEncoded);
        Self {
            protocol: line.protocol.map(text),
            version: line.version,
            method,
            target,
            fields,
            host,
            port,
            read: ReadLater::default(),
        }
    }

    /// Of fields alone, where the method, the target and the host are among them
    /// (RFC 9113 section 8.3.1); they stay among them.
    pub(super) fn assembled(fields: Fields, odd: &mut Oddities) -> Self {
        let of = |name| fields.first(name).unwrap_or_default();
        let (method, authority) = (of(":method").to_owned(), of(":authority"));
        let target = if method == "CONNECT" { authority } else { of(":path") }.to_owned();
        let own = (!authority.is_empty()).then(|| uri::host_and_port(authority));
        let header = fields.first("host").filter(|header| !header.is_empty()).map(uri::host_and_port);
        let differ = matches!((&own, &header), (Some((own, _)), Some((header, _))) if own != header);
        odd.note(differ, Oddity::HostAmbiguous);
        let (host, port) = own.or(header).map_or((None, None), |(host, port)| (Some(host), port));
        Self {
            protocol: Some("HTTP/2".into()),
            version: Version::Other,
            method,
            target,
            fields,
            host,
            port,
            read: ReadLater::default(),
        }
    }

    /// More fields, behind the body.
    pub(super) fn append(&mut self, more: &Fields) {
        self.fields.append(more);
    }

    /// The method: `GET`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The target, as it was sent: `/path?query`, `http://host/path`,
    /// `host:port`, `*`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The protocol as it was sent: `HTTP/1.1`; none of HTTP/0.9.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The fields.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The host that is meant, in lower case and without a port: the target's, or
    /// that of `Host`.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The port that is said beside the host.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path, decoded and without dots and repeated slashes.
    pub fn path(&self) -> &str {
        self.parts().path()
    }

    /// The query as it was sent, without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.parts().query()
    }

    /// The query, decoded.
    pub fn args(&self) -> Option<&str> {
        self.read.args.get_or_init(|| self.query().map(uri::decode_form)).as_deref()
    }

    /// The cookies, each once more as `name=value`, parted by `; `.
    pub fn cookies(&self) -> Option<&str> {
        let join = || {
            let crumbs = self.fields.all("cookie").flat_map(|line| line.split(';'));
            let crumbs: Vec<_> = crumbs.map(str::trim).filter(|crumb| !crumb.is_empty()).collect();
            (!crumbs.is_empty()).then(|| crumbs.join("; "))
        };
        self.read.cookies.get_or_init(join).as_deref()
    }

    /// The fields as text, each on a line.
    pub fn headers(&self) -> &str {
        self.read.headers.get_or_init(|| lines(&self.fields))
    }

    /// Whether a tunnel is asked for.
    pub fn is_connect(&self) -> bool {
        self.method == "CONNECT"
    }

    /// Whether the sender waits for `100 Continue` before it sends a body.
    pub(super) fn awaits_leave(&self) -> bool {
        self.fields.first("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// Who says to be who, where credentials are sent in the clear (RFC 7617).
    pub(super) fn user(&self) -> Option<Credentials> {
        let (scheme, credentials) = self.fields.first("authorization")?.split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let plain = uri::decode_base64(credentials.trim());
        let name = |plain: Vec<u8>| text(plain.split(|&byte| byte == b':').next().unwrap_or_default());
        Some(plain.map_or(Credentials::Unreadable, |plain| Credentials::Of(name(plain))))
    }

    /// The same, with the fields alone that stand beside a file.
    pub(super) fn brief(&self) -> Self {
        let fields = self.fields.only(&["user-agent", "x-forwarded-for", "referer"]);
        let (method, target, protocol) = (self.method.clone(), self.target.clone(), self.protocol.clone());
        Self {
            fields,
            read: ReadLater::default(),
            method,
            target,
            protocol,
            host: self.host.clone(),
            ..*self
        }
    }

    /// Bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        let sent = [Some(&self.method), Some(&self.target), self.protocol.as_ref(), self.host.as_ref()];
        // What rules have asked for is kept beside it.
        let texts = sent.into_iter().flatten().map(String::capacity).sum::<usize>();
        size_of::<Self>() + self.fields.size() + texts + self.read.size()
    }

    fn parts(&self) -> &Target {
        self.read.target.get_or_init(|| Target::read(&self.method, &self.target))
    }
}

/// Credentials that are sent in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Of a user with this name.
    Of(String),
    /// They do not read.
    Unreadable,
}

/// A response's head.
#[derive(Clone, Debug)]
pub struct Response {
    protocol: String,
    version: Version,
    code: Option<u16>,
    status: String,
    reason: String,
    fields: Fields,
    headers: OnceCell<String>,
}

impl Response {
    /// Reads a head, and notes what is odd about it.
    pub(super) fn read(head: &[u8], odd: &mut Oddities) -> Self {
        let (first, fields) = head::read(Role::Server, head, odd);
        let line = start::status_line(&first, odd);
        Self {
            protocol: text(line.protocol),
            version: line.version,
            code: line.code,
            status: text(line.status),
            reason: text(line.reason),
            fields,
            headers: OnceCell::new(),
        }
    }

    /// Of fields alone, where the status is among them (RFC 9113 section 8.3.2); it
    /// stays among them.
    pub(super) fn assembled(fields: Fields) -> Self {
        let status = fields.first(":status").unwrap_or_default().to_owned();
        Self {
            protocol: "HTTP/2".into(),
            version: Version::Other,
            code: status.parse().ok().filter(|code| (100..1000).contains(code)),
            status,
            reason: String::new(),
            fields,
            headers: OnceCell::new(),
        }
    }

    /// More fields, behind the body.
    pub(super) fn append(&mut self, more: &Fields) {
        self.fields.append(more);
    }

    /// What a server says without a head (HTTP/0.9).
    pub(super) fn headless() -> Self {
        Self {
            protocol: String::new(),
            version: Version::V09,
            code: None,
            status: String::new(),
            reason: String::new(),
            fields: Fields::default(),
            headers: OnceCell::new(),
        }
    }

    /// The protocol as it was sent: `HTTP/1.1`; empty of HTTP/0.9.
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The status, where it is a number of three digits.
    pub const fn status(&self) -> Option<u16> {
        self.code
    }

    /// The status as it was sent; empty where there is none.
    pub fn status_text(&self) -> &str {
        &self.status
    }

    /// What stands behind the status.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The fields.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The fields as text, each on a line.
    pub fn headers(&self) -> &str {
        self.headers.get_or_init(|| lines(&self.fields))
    }

    /// Whether the status is one of 200 to 299.
    pub(super) fn is_success(&self) -> bool {
        self.code.is_some_and(|code| (200..300).contains(&code))
    }

    /// The same, with the fields alone that stand beside a file.
    pub(super) fn brief(&self) -> Self {
        let fields = self.fields.only(&["content-type", "content-range", "location"]);
        let (protocol, status, reason) = (self.protocol.clone(), self.status.clone(), self.reason.clone());
        Self { fields, protocol, status, reason, headers: OnceCell::new(), ..*self }
    }

    /// Bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.protocol, &self.status, &self.reason].into_iter().chain(self.headers.get());
        size_of::<Self>() + self.fields.size() + texts.map(String::capacity).sum::<usize>()
    }
}

fn lines(fields: &Fields) -> String {
    fields.iter().fold(String::new(), |mut all, (name, value)| {
        all.extend([name, ": ", value, "\n"]);
        all
    })
}

/// The host and port that a request means: those of its target, else those of
/// `Host` (RFC 9112 section 3.3).
fn host_of(
    method: &str,
    target: &str,
    fields: &Fields,
    version: Version,
    odd: &mut Oddities,
) -> (Option<String>, Option<u16>) {
    let mut said = fields.all("host");
    let header = said.next();
    odd.note(said.next().is_some(), Oddity::HostAmbiguous);
    odd.note(header.is_none() && version == Version::V11, Oddity::HostMissing);
    let own = uri::authority(method, target).map(uri::host_and_port);
    let header = header.filter(|header| !header.is_empty()).map(uri::host_and_port);
    odd.note(header.as_ref().is_some_and(|(host, _)| !uri::is_host(host)), Oddity::HostInvalid);
    let differ = matches!((&own, &header), (Some((own, _)), Some((header, _))) if own != header);
    odd.note(differ, Oddity::HostAmbiguous);
    match own.or(header) {
        Some((host, port)) => (Some(host), port),
        None => (None, None),
    }
}
