//! Both directions of a connection: requests matched with their responses.

use std::collections::VecDeque;

use super::exchange::Exchange;
use super::facts::HttpFacts;
use super::framing;
use super::message::{Credentials, Request, Response};
use super::oddity::{Oddities, Oddity};
use super::payload::{self, Of};
use super::side::{Ending, Framing, Side, Step};
use super::start::{self, Version};
use super::{PIPELINE_BYTES_MAX, PIPELINE_MAX, Role, head};
use crate::app_proto::AppProto;
use crate::dissect::login::Login;
use crate::dissect::{Dissector, Fact, Listener, Progress, Record, detect};
use crate::flow::Direction;

/// So many first bytes say who is the client, at most.
const UNDECIDED_MAX: usize = 32;

/// One connection.
#[derive(Debug)]
pub struct Http {
    client: Side,
    server: Side,
    /// Who asks; `None` until first bytes have told.
    client_is: Option<Direction>,
    /// First bytes that have not told, of each direction.
    undecided: [Vec<u8>; 2],
    /// Exchanges that are not over, in the order of their requests.
    pub(super) waiting: VecDeque<Exchange>,
    next_id: u64,
    /// Responses that are still to come to requests that were told already.
    untracked: u64,
    /// Whether bytes of the client were not seen.
    has_missed: bool,
    /// Whether a side has said that it ends the connection: the client's, the
    /// server's.
    is_last: [bool; 2],
    /// Whether a direction has ended.
    has_ended: [bool; 2],
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

/// What is to be done after bytes were read.
enum Then {
    GoOn,
    /// What follows is this, from so many bytes before the end on.
    Becomes(Option<AppProto>, usize),
}

/// What a connection becomes; `None` where first bytes decide once more.
struct Becomes {
    next: Option<AppProto>,
}

impl Http {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self {
            client: Side::new(Role::Client),
            server: Side::new(Role::Server),
            client_is: None,
            undecided: [Vec::new(), Vec::new()],
            waiting: VecDeque::new(),
            next_id: 0,
            untracked: 0,
            has_missed: false,
            is_last: [false; 2],
            has_ended: [false; 2],
        }
    }

    const fn side(&mut self, role: Role) -> &mut Side {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    fn direction(&self, role: Role) -> Direction {
        let client = self.client_is.unwrap_or(Direction::Up);
        match role {
            Role::Client => client,
            Role::Server => opposite(client),
        }
    }

    fn role(&self, direction: Direction) -> Role {
        if self.direction(Role::Client) == direction { Role::Client } else { Role::Server }
    }

    /// Decides who asks, by what is said first. Where a flow is met in its middle
    /// the direction alone does not say it.
    fn decide(&mut self, direction: Direction, bytes: &[u8]) -> Option<Vec<u8>> {
        let [up, down] = &mut self.undecided;
        let first = if direction == Direction::Up { up } else { down };
        first.extend_from_slice(bytes);
        self.client_is = Some(match speaker(first) {
            Speaker::Open => return None,
            Speaker::Is(Role::Server) => opposite(direction),
            Speaker::Is(Role::Client) => direction,
            Speaker::Nobody => Direction::Up,
        });
        Some(std::mem::take(first))
    }

    /// Reads what a side has sent, and tells what is learnt.
    fn feed(&mut self, role: Role, bytes: &[u8], listener: &mut dyn Listener) -> Then {
        let mut rest = bytes;
        loop {
            let step = self.side(role).step(&mut rest);
            self.tell_odd(role, listener);
            let then = match step {
                Step::Wait => return Then::GoOn,
                Step::Again(bytes) => match self.feed(role, &bytes, listener) {
                    Then::Becomes(next, unread) => return Then::Becomes(next, unread + rest.len()),
                    Then::GoOn => None,
                },
                Step::Headless => {
                    let bytes = self.headless(listener);
                    match self.feed(role, &bytes, listener) {
                        Then::Becomes(next, unread) => return Then::Becomes(next, unread + rest.len()),
                        Then::GoOn => None,
                    }
                }
                step => self.take(role, step, listener),
            };
            if let Some(Becomes { next }) = then {
                return Then::Becomes(next, rest.len());
            }
        }
    }

    /// Takes what a side says; gives what the connection becomes, if it does.
    fn take(&mut self, role: Role, step: Step<'_>, listener: &mut dyn Listener) -> Option<Becomes> {
        let mut next = None;
        match (step, role) {
            (Step::Head(head), Role::Client) => self.ask(&head, listener),
            (Step::Head(head), Role::Server) => next = self.answer(&head, listener),
            (Step::Body(bytes), role) => self.body(role, bytes, listener),
            (Step::Trailers(lines), role) => {
                let mut odd = Oddities::default();
                head::read_trailers(role, &lines, &mut odd);
                self.side(role).note(odd);
            }
            (Step::End(ending), role) => self.message_ended(role, ending, listener),
            (Step::Lost(len), role) => {
                let direction = self.direction(role);
                if let Some(exchange) = self.current(role) {
                    payload::gap(exchange, Of { role, direction }, len, listener);
                }
            }
            (Step::LostMessage, role) => self.lose_message(role, listener),
            (Step::Wait | Step::Again(_) | Step::Headless, _) => {}
        }
        self.tell_odd(role, listener);
        next
    }

    /// The head of a request has come.
    fn ask(&mut self, head: &[u8], listener: &mut dyn Listener) {
        let mut odd = Oddities::default();
        let request = Request::read(head, &mut odd);
        let framing = framing::of_request(&request, &mut odd);
        let [is_last, _] = &mut self.is_last;
        odd.note(*is_last, Oddity::DataAfterEnd);
        *is_last = is_last_of(request.fields(), request.version());
        let user = request.user();
        odd.note(user == Some(Credentials::Unreadable), Oddity::Credentials);
        self.client.note(odd);
        let waits = request.is_connect();
        self.make_room(listener);
        self.waiting.push_back(Exchange::asked(self.next_id, request));
        self.next_id += 1;
        let direction = self.direction(Role::Client);
        if let Some(exchange) = self.waiting.back() {
            let facts = HttpFacts {
                request: exchange.request.as_ref(),
                response: None,
                body: None,
                role: Role::Client,
            };
            listener.fact(direction, Fact::HttpRequest(&facts));
        }
        if let Some(Credentials::Of(user)) = user {
            let login = Login { user: Some(&user), password_seen: true, protocol: AppProto::Http };
            listener.fact(direction, Fact::Login(&login));
        }
        self.client.follow(framing);
        if waits && let Some(exchange) = self.waiting.back_mut() {
            // What follows is for the answer to say.
            exchange.is_asked = true;
            self.client.withhold();
        }
    }

    /// Tells exchanges while there are too many: those that are over and wait for
    /// one before them, else the oldest.
    fn make_room(&mut self, listener: &mut dyn Listener) {
        let size = |waiting: &VecDeque<Exchange>| waiting.iter().map(Exchange::size).sum::<usize>();
        while self.waiting.len() >= PIPELINE_MAX
            || self.waiting.len() > 1 && size(&self.waiting) > PIPELINE_BYTES_MAX
        {
            let at = self.waiting.iter().position(Exchange::is_over).unwrap_or(0);
            let Some(exchange) = self.waiting.remove(at) else { return };
            self.untracked += u64::from(!exchange.is_answered);
            self.tell(exchange, listener);
        }
    }

    /// The head of a response has come.
    fn answer(&mut self, head: &[u8], listener: &mut dyn Listener) -> Option<Becomes> {
        let mut odd = Oddities::default();
        let response = Response::read(head, &mut odd);
        let at = self.answered_at(&mut odd, listener);
        let [_, is_last] = &mut self.is_last;
        odd.note(*is_last, Oddity::DataAfterEnd);
        let exchange = self.waiting.get_mut(at)?;
        let request = exchange.request.as_ref();
        let framing = framing::of_response(&response, request, &mut odd);
        let status = response.status().unwrap_or_default();
        let is_interim = (100..200).contains(&status) && status != 101;
        *is_last = !is_interim && is_last_of(response.fields(), response.version());
        let is_tunnel = request.is_some_and(Request::is_connect);
        let becomes = if status == 101 {
            odd.note(framing != Framing::Nothing, Oddity::SwitchWithLength);
            Some(Becomes { next: upgrade(&response) })
        } else {
            (is_tunnel && response.is_success()).then_some(Becomes { next: None })
        };
        odd.note(is_interim && exchange.has_leave && status == 100, Oddity::Continued);
        exchange.has_leave |= status == 100;
        let is_refused = status >= 300 && request.is_some_and(Request::awaits_leave) && !exchange.is_asked;
        exchange.response = Some(response);
        self.server.note(odd);
        let facts = HttpFacts {
            request: exchange.request.as_ref(),
            response: exchange.response.as_ref(),
            body: None,
            role: Role::Server,
        };
        let direction = self.client_is.map_or(Direction::Down, opposite);
        listener.fact(direction, Fact::HttpResponse(&facts));
        if becomes.is_some() {
            self.server.follow(Framing::Silence);
            self.message_ended(Role::Server, Ending::Whole, listener);
            return becomes;
        }
        self.server.follow(framing);
        if is_tunnel && !is_interim {
            // Refused: requests go on, and may have done so already.
            self.release(listener);
        }
        if is_refused && self.client.awaits_body() {
            self.client.cancel_body();
            self.feed(Role::Client, &[], listener);
        }
        None
    }

    /// What the client has sent behind a request for a tunnel is read as requests.
    fn release(&mut self, listener: &mut dyn Listener) {
        let (early, lost) = self.client.release();
        self.feed(Role::Client, &early, listener);
        self.miss(Role::Client, lost, listener);
    }

    /// So many bytes of a side were not seen.
    fn miss(&mut self, role: Role, len: u64, listener: &mut dyn Listener) {
        let mut left = len;
        while left > 0 {
            match self.side(role).pass(&mut left) {
                Step::Wait => break,
                step => {
                    self.take(role, step, listener);
                }
            }
        }
    }

    /// Which exchange a response belongs to: the first without one; a new one if
    /// there is none.
    fn answered_at(&mut self, odd: &mut Oddities, listener: &mut dyn Listener) -> usize {
        let first_open = |waiting: &VecDeque<Exchange>| waiting.iter().position(|one| !one.is_answered);
        let first = first_open(&self.waiting);
        let is_untracked = self.untracked > 0;
        match first {
            Some(at) if !is_untracked => at,
            _ => {
                self.untracked = self.untracked.saturating_sub(1);
                odd.note(!is_untracked && !self.has_missed, Oddity::Unmatched);
                self.make_room(listener);
                let at = first_open(&self.waiting).unwrap_or(self.waiting.len());
                self.waiting.insert(at, Exchange::unasked(self.next_id));
                self.next_id += 1;
                at
            }
        }
    }

    /// A server says something without a head: it is the answer, if one is
    /// waited for. Gives its first bytes.
    fn headless(&mut self, listener: &mut dyn Listener) -> Vec<u8> {
        let bytes = self.server.headless();
        let Some(exchange) = self.waiting.iter_mut().find(|exchange| !exchange.is_answered) else {
            self.server.search_on();
            let mut odd = Oddities::default();
            odd.add(Oddity::DataAfterEnd);
            self.server.note(odd);
            self.tell_odd(Role::Server, listener);
            return Vec::new();
        };
        exchange.response.get_or_insert_with(Response::headless);
        bytes
    }

    /// The exchange whose message a side is sending.
    fn current(&mut self, role: Role) -> Option<&mut Exchange> {
        match role {
            Role::Client => self.waiting.iter_mut().rev().find(|exchange| exchange.request.is_some()),
            Role::Server => self.waiting.iter_mut().find(|exchange| !exchange.is_answered),
        }
    }

    /// A part of a body has come.
    fn body(&mut self, role: Role, bytes: &[u8], listener: &mut dyn Listener) {
        let direction = self.direction(role);
        let Some(exchange) = self.current(role) else { return };
        payload::bytes(exchange, Of { role, direction }, bytes, listener);
    }

    /// A message has come to its end.
    fn message_ended(&mut self, role: Role, ending: Ending, listener: &mut dyn Listener) {
        let direction = self.direction(role);
        let wire_len = self.side(role).wire_len();
        let Some(exchange) = self.current(role) else { return };
        if role == Role::Server {
            let status = exchange.response.as_ref().and_then(Response::status).unwrap_or_default();
            if (100..200).contains(&status) && status != 101 && wire_len == 0 {
                // The response itself is still to come.
                return;
            }
        }
        match role {
            Role::Client => (exchange.is_asked, exchange.request_len) = (true, wire_len),
            Role::Server => (exchange.is_answered, exchange.response_len) = (true, wire_len),
        }
        let odd = payload::end(exchange, Of { role, direction }, ending, listener);
        self.side(role).note(odd);
        self.tell_over(listener);
    }

    /// Tells the exchanges that are over, in order.
    fn tell_over(&mut self, listener: &mut dyn Listener) {
        while self.waiting.front().is_some_and(Exchange::is_over) {
            let Some(exchange) = self.waiting.pop_front() else { break };
            self.tell(exchange, listener);
        }
    }

    fn tell(&self, exchange: Exchange, listener: &mut dyn Listener) {
        // One whose messages were both missed says nothing.
        if exchange.request.is_none() && exchange.response.is_none() {
            return;
        }
        let transaction = exchange.into_transaction();
        listener.record(self.direction(Role::Client), Record::Http(Box::new(transaction)));
    }

    fn tell_odd(&mut self, role: Role, listener: &mut dyn Listener) {
        let direction = self.direction(role);
        let odd = self.side(role).odd();
        for oddity in odd.iter() {
            listener.anomaly(direction, oddity.anomaly(role));
        }
    }

    /// A message or more of a side were not seen.
    fn lose_message(&mut self, role: Role, listener: &mut dyn Listener) {
        match role {
            Role::Client => {
                self.has_missed = true;
                self.make_room(listener);
                self.waiting.push_back(Exchange::unasked(self.next_id));
                self.next_id += 1;
            }
            Role::Server => {
                let mut is_tunnel = false;
                if let Some(exchange) = self.current(Role::Server) {
                    exchange.is_answered = true;
                    is_tunnel = exchange.request.as_ref().is_some_and(Request::is_connect);
                }
                self.tell_over(listener);
                if is_tunnel {
                    // Whether it was granted is not known: requests are looked for.
                    let (early, _) = self.client.release();
                    self.client.search_on();
                    self.feed(Role::Client, &early, listener);
                }
            }
        }
    }

    /// What a side says at its end.
    fn finish(&mut self, role: Role, listener: &mut dyn Listener) {
        loop {
            let step = self.side(role).finish();
            self.tell_odd(role, listener);
            match step {
                Step::Wait => return,
                Step::Headless => {
                    let bytes = self.headless(listener);
                    self.feed(role, &bytes, listener);
                }
                step => {
                    self.take(role, step, listener);
                }
            }
        }
    }

    fn progress(&self) -> Progress {
        let has_begun = self.client.has_begun() || self.server.has_begun();
        if self.client.is_lost() && (!has_begun || self.server.is_lost()) {
            if has_begun { Progress::Malformed } else { Progress::NotMine }
        } else if self.has_ended == [true; 2] {
            Progress::Done
        } else {
            Progress::More
        }
    }

    /// First bytes that have not told who asks are the client's.
    fn decide_by_direction(&mut self, listener: &mut dyn Listener) {
        if self.client_is.is_none() {
            self.client_is = Some(Direction::Up);
            let [up, down] = std::mem::take(&mut self.undecided);
            self.feed(Role::Client, &up, listener);
            self.feed(Role::Server, &down, listener);
        }
    }
}

impl Dissector for Http {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let first;
        let mut bytes = bytes;
        let before = bytes.len();
        if self.client_is.is_none() {
            let Some(decided) = self.decide(direction, bytes) else { return Progress::More };
            first = decided;
            bytes = &first;
            let other = std::mem::take(&mut self.undecided);
            let role = self.role(opposite(direction));
            for bytes in other {
                self.feed(role, &bytes, listener);
            }
        }
        let role = self.role(direction);
        match role {
            Role::Client => self.server.settle(),
            Role::Server => {
                if let Some(head) = self.client.settle_bare() {
                    self.ask(&head, listener);
                    self.feed(Role::Client, &[], listener);
                }
            }
        }
        if role == Role::Client {
            self.feed(Role::Server, &[], listener);
        }
        match self.feed(role, bytes, listener) {
            Then::Becomes(next, unread) => Progress::Becomes { next, unread: unread.min(before) },
            Then::GoOn => self.progress(),
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, listener: &mut dyn Listener) -> Progress {
        self.decide_by_direction(listener);
        let role = self.role(direction);
        self.miss(role, len, listener);
        self.feed(role, &[], listener);
        self.progress()
    }

    fn end(&mut self, direction: Direction, listener: &mut dyn Listener) -> Progress {
        self.decide_by_direction(listener);
        let role = self.role(direction);
        self.finish(role, listener);
        let [client, server] = &mut self.has_ended;
        *(if role == Role::Client { client } else { server }) = true;
        self.progress()
    }

    fn close(&mut self, listener: &mut dyn Listener) {
        self.decide_by_direction(listener);
        for role in [Role::Client, Role::Server] {
            self.finish(role, listener);
        }
        while let Some(exchange) = self.waiting.pop_front() {
            self.tell(exchange, listener);
        }
    }

    fn held(&self) -> usize {
        let undecided: usize = self.undecided.iter().map(Vec::capacity).sum();
        let waiting: usize = self.waiting.iter().map(Exchange::size).sum();
        self.client.held() + self.server.held() + undecided + waiting
    }
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Up => Direction::Down,
        Direction::Down => Direction::Up,
    }
}

/// Who speaks like that.
enum Speaker {
    /// More bytes will tell.
    Open,
    Is(Role),
    /// No side of HTTP does.
    Nobody,
}

/// Who speaks like first bytes: the same however many come at once, so what is
/// skipped before them is what [`start`] skips, and no more is looked at than may
/// be undecided.
fn speaker(first: &[u8]) -> Speaker {
    let first = first.get(..UNDECIDED_MAX).unwrap_or(first);
    let start = first.iter().position(|&byte| !start::is_blank(byte)).unwrap_or(first.len());
    let text = first.get(start..).unwrap_or_default();
    let is_prefix = |of: &[u8]| text.iter().zip(of).all(|(a, b)| a.eq_ignore_ascii_case(b));
    if start::begins_response(text) {
        return Speaker::Is(Role::Server);
    }
    let word = text.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    if word.len() < text.len() && detect::is_http_method(word) {
        return Speaker::Is(Role::Client);
    }
    let is_open = first.len() < UNDECIDED_MAX
        && (is_prefix(b"HTTP")
            || is_prefix(b"ICY ")
            || word.len() == text.len() && word.iter().all(u8::is_ascii_graphic));
    if is_open { Speaker::Open } else { Speaker::Nobody }
}

/// Whether a side says with this that it ends the connection.
fn is_last_of(fields: &head::Fields, version: Version) -> bool {
    let mut options =
        fields.all("connection").chain(fields.all("proxy-connection")).flat_map(framing::codings);
    if version == Version::V11 {
        options.any(|option| option.eq_ignore_ascii_case("close"))
    } else {
        !options.any(|option| option.eq_ignore_ascii_case("keep-alive"))
    }
}

/// What a connection is upgraded to.
fn upgrade(response: &Response) -> Option<AppProto> {
    let protocol = response.fields().first("upgrade")?;
    let is = |name: &str| framing::codings(protocol).any(|word| word.eq_ignore_ascii_case(name));
    if is("websocket") {
        Some(AppProto::Websocket)
    } else if is("h2c") {
        Some(AppProto::Http2)
    } else {
        None
    }
}
