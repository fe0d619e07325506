//! The streams of a connection: each a request and its response.

use std::collections::BTreeMap;

use super::super::Role;
use super::super::exchange::Exchange;
use super::super::facts::HttpFacts;
use super::super::head::Fields;
use super::super::message::{Credentials, Request, Response};
use super::super::oddity::{Oddities, Oddity};
use super::super::payload::{self, Of};
use super::super::record::Transaction;
use super::super::side::Ending;
use super::detail::Frames;
use super::side::Said;
use super::{CONNECTION_RECORDS_MAX, STREAMS_HELD_MAX, STREAMS_MAX};
use crate::anomaly::Anomaly;
use crate::app_proto::AppProto;
use crate::dissect::login::Login;
use crate::dissect::{Fact, Listener, Record};
use crate::flow::Direction;

/// All streams of a connection that are not over.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// By number, which counts up as they are opened.
    open: BTreeMap<u32, Exchange>,
    /// The highest that a client has opened, and a server has promised.
    highest: [u32; 2],
    /// The number of the next transaction.
    next_id: u64,
    /// Lines about the connection itself.
    connection_records: usize,
    /// Bytes of memory that the open ones take.
    held: usize,
}

/// Who sends what way: a client opens the connection.
fn role_of(direction: Direction) -> Role {
    match direction {
        Direction::Up => Role::Client,
        Direction::Down => Role::Server,
    }
}

fn direction_of(role: Role) -> Direction {
    match role {
        Role::Client => Direction::Up,
        Role::Server => Direction::Down,
    }
}

impl Streams {
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Takes what a frame says.
    pub(super) fn take(&mut self, direction: Direction, said: Said<'_>, listener: &mut dyn Listener) {
        let role = role_of(direction);
        match said {
            Said::Odd(anomaly) => listener.anomaly(direction, anomaly),
            Said::Settings(payload) => self.about_connection(role, listener, |own| own.set_settings(payload)),
            Said::GoAway(code) => self.about_connection(role, listener, |own| own.set_error(code, true)),
            Said::Fields { stream, fields, weight, promised, is_last } => {
                if let Some(promised) = promised {
                    return self.promise(promised, fields, listener);
                }
                self.open(role, stream, listener);
                self.with(stream, listener, |exchange, listener| {
                    if let Some(weight) = weight {
                        frames(exchange, role).set_priority(weight);
                    }
                    take_fields(exchange, role, fields, listener);
                    if is_last {
                        end(exchange, role, Ending::Whole, listener);
                    }
                });
            }
            Said::Data { stream, bytes } => self.with(stream, listener, |exchange, listener| {
                count(exchange, role, bytes.len() as u64);
                payload::bytes(exchange, Of { role, direction }, bytes, listener);
            }),
            Said::Gap { stream, len } => self.with(stream, listener, |exchange, listener| {
                count(exchange, role, len);
                payload::gap(exchange, Of { role, direction }, len, listener);
            }),
            Said::DataEnd { stream, is_last } if is_last => {
                self.with(stream, listener, |exchange, listener| {
                    end(exchange, role, Ending::Whole, listener);
                });
            }
            Said::DataEnd { .. } => {}
            Said::Priority { stream, weight } => self.with(stream, listener, |exchange, _| {
                frames(exchange, role).set_priority(weight);
            }),
            Said::Reset { stream, code } => self.with(stream, listener, |exchange, listener| {
                frames(exchange, role).set_error(code, false);
                for role in [Role::Client, Role::Server] {
                    end(exchange, role, Ending::Cut, listener);
                }
            }),
        }
    }

    /// Tells of all that are open.
    pub(super) fn close(&mut self, listener: &mut dyn Listener) {
        while let Some((_, exchange)) = self.open.pop_first() {
            tell(exchange, listener);
        }
        self.held = 0;
    }

    /// Opens a stream, unless it is; one that was closed is opened by nobody but
    /// who does not keep to the rules.
    fn open(&mut self, role: Role, stream: u32, listener: &mut dyn Listener) {
        if self.open.contains_key(&stream) {
            return;
        }
        let [asked, promised] = &mut self.highest;
        let highest = if stream % 2 == 1 { asked } else { promised };
        if stream <= *highest {
            if role == Role::Client {
                listener.anomaly(Direction::Up, Anomaly::Http2StreamIdReuse);
            }
            return;
        }
        // A server that answers what was not asked uses up no number of the client's.
        if (stream % 2 == 1) == (role == Role::Client) {
            *highest = stream;
        }
        self.insert(stream, listener);
    }

    fn insert(&mut self, stream: u32, listener: &mut dyn Listener) {
        if self.open.len() >= STREAMS_MAX
            && let Some((_, oldest)) = self.open.pop_first()
        {
            listener.anomaly(Direction::Up, Anomaly::Http2TooManyStreams);
            self.held = self.held.saturating_sub(oldest.size());
            tell(oldest, listener);
        }
        let exchange = Exchange::of_stream(self.next_id, stream);
        self.next_id += 1;
        self.held += exchange.size();
        self.open.insert(stream, exchange);
    }

    /// A server announces a response that was not asked for.
    fn promise(&mut self, stream: u32, fields: Fields, listener: &mut dyn Listener) {
        // What a client has opened is not the server's to announce.
        if stream % 2 == 1 {
            return;
        }
        self.open(Role::Server, stream, listener);
        self.with(stream, listener, |exchange, _| {
            exchange.request = Some(Request::assembled(fields, &mut Oddities::default()));
            exchange.is_asked = true;
        });
    }

    /// Does something with a stream that is open, and tells of it once it is over.
    fn with(
        &mut self,
        stream: u32,
        listener: &mut dyn Listener,
        change: impl FnOnce(&mut Exchange, &mut dyn Listener),
    ) {
        let Some(exchange) = self.open.get_mut(&stream) else { return };
        let before = exchange.size();
        change(exchange, listener);
        self.held = self.held.saturating_sub(before).saturating_add(exchange.size());
        if exchange.is_over()
            && let Some(exchange) = self.open.remove(&stream)
        {
            self.held = self.held.saturating_sub(exchange.size());
            tell(exchange, listener);
        }
        // The oldest are told as they stand where all together take too much.
        while self.held > STREAMS_HELD_MAX && self.open.len() > 1 {
            let Some((_, oldest)) = self.open.pop_first() else { break };
            self.held = self.held.saturating_sub(oldest.size());
            tell(oldest, listener);
        }
    }

    /// Tells what a side says about the connection; what is said without end is
    /// told for a while.
    fn about_connection(&mut self, role: Role, listener: &mut dyn Listener, set: impl FnOnce(&mut Frames)) {
        if self.connection_records >= CONNECTION_RECORDS_MAX {
            return;
        }
        self.connection_records += 1;
        let mut exchange = Exchange::of_stream(self.next_id, 0);
        self.next_id += 1;
        set(frames(&mut exchange, role));
        listener.record(direction_of(role), Record::Http(Box::new(exchange.into_transaction())));
    }
}

/// What the frames of a side have said on a stream.
fn frames(exchange: &mut Exchange, role: Role) -> &mut Frames {
    let detail = exchange.http2.get_or_insert_default();
    match role {
        Role::Client => &mut detail.request,
        Role::Server => &mut detail.response,
    }
}

fn count(exchange: &mut Exchange, role: Role, len: u64) {
    let own = match role {
        Role::Client => &mut exchange.request_len,
        Role::Server => &mut exchange.response_len,
    };
    *own = own.saturating_add(len);
}

/// Takes a head, or the fields behind a body.
fn take_fields(exchange: &mut Exchange, role: Role, fields: Fields, listener: &mut dyn Listener) {
    match (role, &mut exchange.request, &mut exchange.response) {
        (Role::Client, Some(request), _) => request.append(&fields),
        (Role::Server, _, Some(response)) => response.append(&fields),
        (Role::Client, None, _) => take_request(exchange, fields, listener),
        (Role::Server, _, None) => {
            let response = Response::assembled(fields);
            // Those of 100 to 199 are followed by another.
            if response.status().is_none_or(|status| status >= 200) {
                exchange.response = Some(response);
                let facts = HttpFacts {
                    request: exchange.request.as_ref(),
                    response: exchange.response.as_ref(),
                    body: None,
                    role,
                };
                listener.fact(Direction::Down, Fact::HttpResponse(&facts));
            }
        }
    }
}

fn take_request(exchange: &mut Exchange, fields: Fields, listener: &mut dyn Listener) {
    let mut odd = Oddities::default();
    let request = Request::assembled(fields, &mut odd);
    if odd.iter().any(|oddity| oddity == Oddity::HostAmbiguous) {
        listener.anomaly(Direction::Up, Anomaly::Http2AuthorityHostMismatch);
    }
    if request.fields().first(":authority").is_some_and(|authority| authority.contains('@')) {
        listener.anomaly(Direction::Up, Anomaly::Http2UserinfoInUri);
    }
    let user = request.user();
    exchange.ask(request);
    let facts =
        HttpFacts { request: exchange.request.as_ref(), response: None, body: None, role: Role::Client };
    listener.fact(Direction::Up, Fact::HttpRequest(&facts));
    if let Some(Credentials::Of(user)) = user {
        let login = Login { user: Some(&user), password_seen: true, protocol: AppProto::Http2 };
        listener.fact(Direction::Up, Fact::Login(&login));
    }
}

/// A side has said all on a stream, or will not.
fn end(exchange: &mut Exchange, role: Role, ending: Ending, listener: &mut dyn Listener) {
    let own = match role {
        Role::Client => &mut exchange.is_asked,
        Role::Server => &mut exchange.is_answered,
    };
    if std::mem::replace(own, true) {
        return;
    }
    let direction = direction_of(role);
    let odd = payload::end(exchange, Of { role, direction }, ending, listener);
    let is_undecoded = |oddity| matches!(oddity, Oddity::CodingFailed | Oddity::Bomb);
    if odd.iter().any(is_undecoded) {
        listener.anomaly(direction, Anomaly::Http2FailedDecompression);
    }
}

/// Tells of a stream, over or not.
fn tell(mut exchange: Exchange, listener: &mut dyn Listener) {
    for role in [Role::Client, Role::Server] {
        end(&mut exchange, role, Ending::Cut, listener);
    }
    let transaction: Transaction = exchange.into_transaction();
    listener.record(Direction::Up, Record::Http(Box::new(transaction)));
}
