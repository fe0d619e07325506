//! One direction: messages, one after the other, out of bytes cut anywhere.
//!
//! It knows where heads, bodies and messages begin and end, and nothing of what
//! they mean: its owner reads each head and says what body follows
//! ([`Side::follow`]). It gives back one [`Step`] at a time.

use super::chunk::{Chunks, Next};
use super::line::{Ended, Lines};
use super::oddity::{Oddities, Oddity};
use super::start;
use super::{LINE_MAX, Role};

/// So many bytes without the beginning of a message are passed over before a
/// direction is taken for something else.
const JUNK_MAX: u64 = 64 * 1024;

/// So many bytes of line ends may stand before a message where another thing may.
const BLANKS_MAX: usize = 4;

/// So many bytes that follow a request for a tunnel are kept until it is granted or
/// refused: what is in it, its first flight, or more requests.
const EARLY_MAX: usize = 16 * 1024;

/// What messages of servers begin with.
const PROTOCOL: &[u8] = b"HTTP/";

/// What body follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// None.
    Nothing,
    /// So many bytes.
    Length(u64),
    /// Chunks; where it turns out that there are none, so many bytes, or all
    /// that follows.
    Chunks {
        /// The length that was said beside them.
        otherwise: Option<u64>,
    },
    /// All that follows.
    UntilEnd,
    /// One that may not be there; it is, if what follows is no message.
    Perhaps {
        /// The length that was said; `None` for chunks.
        len: Option<u64>,
    },
    /// Nothing more of this direction is looked at.
    Silence,
}

/// What comes next in a direction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'b> {
    /// All was read.
    Wait,
    /// A head, with the ends of its lines. [`Side::follow`] has to be told what
    /// body it has.
    Head(Vec<u8>),
    /// Bytes of a body.
    Body(&'b [u8]),
    /// Bytes of a body that were not seen.
    Lost(u64),
    /// Of a message, or of more than one, even the head was not seen.
    LostMessage,
    /// Lines after the last chunk.
    Trailers(Vec<u8>),
    /// The message has come to its end.
    End(Ending),
    /// A server says something without a head: its bytes are given by
    /// [`Side::replay`].
    Headless,
    /// These were read, and are to be read once more before what follows.
    Again(Vec<u8>),
}

/// How a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Where it had to.
    Whole,
    /// Earlier, or with bytes missing.
    Cut,
}

#[derive(Debug)]
enum State {
    /// Between messages.
    Idle,
    /// In a head.
    Head,
    /// A line of a server that begins no message: the next bytes tell whether
    /// one follows.
    Stray,
    /// A head was given, and nothing was said of what follows.
    Told,
    /// So many bytes of a body have not come.
    Length(u64),
    Chunks {
        chunks: Chunks,
        otherwise: Option<u64>,
    },
    Trailers,
    UntilEnd,
    Perhaps(Option<u64>),
    /// The message has ended, and this has to be said.
    Ended(Ending),
    /// The beginning of the next message is looked for.
    Search,
    Silence,
    /// What follows may be requests, or in a tunnel: it is kept until that is known.
    Withheld {
        early: Vec<u8>,
        /// So many bytes behind them were not seen, or not kept.
        lost: u64,
    },
}

/// One direction.
#[derive(Debug)]
pub(super) struct Side {
    role: Role,
    state: State,
    lines: Lines,
    /// First bytes that have not decided yet.
    peeked: Vec<u8>,
    /// What is odd about the message, and was told.
    told: Oddities,
    /// What is odd about the message, and was not told.
    odd: Oddities,
    /// Bytes of the message's body on the wire, with chunks' lengths.
    wire_len: u64,
    /// Bytes passed over since the last message.
    junk_len: u64,
    /// Whether any head has come.
    has_begun: bool,
    /// Whether bytes of this message's body are missing.
    has_lost: bool,
}

impl Side {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            state: State::Idle,
            lines: Lines::default(),
            peeked: Vec::new(),
            told: Oddities::default(),
            odd: Oddities::default(),
            wire_len: 0,
            junk_len: 0,
            has_begun: false,
            has_lost: false,
        }
    }

    /// Bytes held of what the peer sent.
    pub(super) fn held(&self) -> usize {
        let own = match &self.state {
            State::Chunks { chunks, .. } => chunks.capacity(),
            State::Withheld { early, .. } => early.capacity(),
            _ => 0,
        };
        self.lines.capacity() + self.peeked.capacity() + own
    }

    /// Bytes of the body on the wire, so far.
    pub(super) const fn wire_len(&self) -> u64 {
        self.wire_len
    }

    /// Whether any message has begun.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether so much that is no message was sent that none is expected.
    pub(super) const fn is_lost(&self) -> bool {
        self.junk_len > JUNK_MAX
    }

    /// Whether bytes of a body are expected, and none has come.
    pub(super) const fn awaits_body(&self) -> bool {
        self.wire_len == 0 && matches!(self.state, State::Length(_) | State::Chunks { .. })
    }

    /// Notes what is odd about the message.
    pub(super) const fn note(&mut self, odd: Oddities) {
        self.odd.join(odd);
    }

    /// What is odd and was not told yet; it is told once a message.
    pub(super) fn odd(&mut self) -> Oddities {
        let odd = std::mem::take(&mut self.odd).without(self.told);
        self.told.join(odd);
        odd
    }

    /// What body follows the head that was given.
    pub(super) fn follow(&mut self, framing: Framing) {
        self.has_lost = false;
        self.wire_len = 0;
        self.state = match framing {
            Framing::Nothing | Framing::Length(0) => State::Ended(Ending::Whole),
            Framing::Length(len) => State::Length(len),
            Framing::Chunks { otherwise } => State::Chunks { chunks: Chunks::default(), otherwise },
            Framing::UntilEnd => State::UntilEnd,
            Framing::Perhaps { len } => State::Perhaps(len),
            Framing::Silence => State::Silence,
        };
    }

    /// Whether messages follow is for the other side to say.
    pub(super) fn withhold(&mut self) {
        self.state = State::Withheld { early: Vec::new(), lost: 0 };
    }

    /// Messages follow; gives what has come of them, and how many bytes are missing
    /// behind that.
    pub(super) fn release(&mut self) -> (Vec<u8>, u64) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Withheld { early, lost } => (early, lost),
            other => {
                self.state = other;
                (Vec::new(), 0)
            }
        }
    }

    /// The body that may not be there is not: the peer has gone on.
    pub(super) fn settle(&mut self) {
        if matches!(self.state, State::Perhaps(_)) && self.peeked.is_empty() {
            self.state = State::Ended(Ending::Whole);
        }
    }

    /// The body that was announced will not come.
    pub(super) fn cancel_body(&mut self) {
        self.state = State::Ended(Ending::Whole);
    }

    /// Ends a request without a version if it is all that has come: the server
    /// answers, so there are no headers (HTTP/0.9).
    pub(super) fn settle_bare(&mut self) -> Option<Vec<u8>> {
        let is_bare = matches!(self.state, State::Head) && self.lines.count() == 1;
        let is_bare = is_bare && start::is_bare_request(self.lines.held());
        is_bare.then(|| self.give_head())
    }

    /// Reads on, up to the next thing that there is to say.
    pub(super) fn step<'b>(&mut self, rest: &mut &'b [u8]) -> Step<'b> {
        loop {
            let step = match &mut self.state {
                State::Idle => self.begin(rest),
                State::Head => self.head(rest),
                State::Stray => Some(self.stray(rest)),
                State::Length(left) => {
                    let step = take(left, rest);
                    self.wire_len += body_len(&step);
                    if *left == 0 {
                        self.state = State::Ended(self.ending());
                    }
                    Some(step)
                }
                State::Chunks { .. } => self.chunks(rest),
                State::Trailers => self.trailers(rest),
                State::UntilEnd => {
                    let all = std::mem::take(rest);
                    self.wire_len += all.len() as u64;
                    Some(if all.is_empty() { Step::Wait } else { Step::Body(all) })
                }
                State::Perhaps(_) => self.perhaps(rest),
                State::Ended(ending) => {
                    let ending = *ending;
                    self.state = State::Idle;
                    Some(Step::End(ending))
                }
                State::Search => self.search(rest),
                State::Withheld { early, lost } => {
                    let room = if *lost > 0 { 0 } else { EARLY_MAX.saturating_sub(early.len()) };
                    let (kept, over) = rest.split_at(room.min(rest.len()));
                    early.extend_from_slice(kept);
                    *lost = lost.saturating_add(over.len() as u64);
                    *rest = &[];
                    Some(Step::Wait)
                }
                State::Told | State::Silence => {
                    *rest = &[];
                    Some(Step::Wait)
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// So many bytes were not seen. Gives what there is to say, one after the
    /// other, until [`Step::Wait`]; `len` is what is left to pass over.
    pub(super) fn pass(&mut self, len: &mut u64) -> Step<'static> {
        if *len == 0 {
            return Step::Wait;
        }
        let passed = match &mut self.state {
            State::Length(left) => {
                let passed = (*len).min(*left);
                *left -= passed;
                passed
            }
            State::UntilEnd => *len,
            State::Chunks { chunks, .. } if chunks.left() > 0 => {
                let passed = (*len).min(chunks.left());
                chunks.pass(passed);
                passed
            }
            State::Ended(_) => 0,
            State::Silence => {
                *len = 0;
                return Step::Wait;
            }
            State::Withheld { lost, .. } => {
                *lost = lost.saturating_add(*len);
                *len = 0;
                return Step::Wait;
            }
            State::Search | State::Told => {
                *len = 0;
                self.search_on();
                return Step::Wait;
            }
            State::Idle | State::Head | State::Stray => {
                *len = 0;
                self.search_on();
                return Step::LostMessage;
            }
            State::Chunks { .. } | State::Trailers | State::Perhaps(_) => {
                *len = 0;
                self.search_on();
                return Step::End(Ending::Cut);
            }
        };
        if passed == 0 {
            return self.step(&mut &[][..]).lasting();
        }
        *len -= passed;
        self.has_lost = true;
        self.wire_len = self.wire_len.saturating_add(passed);
        if matches!(self.state, State::Length(0)) {
            self.state = State::Ended(Ending::Cut);
        }
        Step::Lost(passed)
    }

    /// The direction has ended: what is left to say, one after the other, until
    /// [`Step::Wait`].
    pub(super) fn finish(&mut self) -> Step<'static> {
        match &self.state {
            State::Idle | State::Silence | State::Told | State::Search => {
                self.state = State::Silence;
                Step::Wait
            }
            State::Withheld { .. } => Step::Wait,
            State::Head if self.role == Role::Client => {
                // A request whose fields have not all come says something, too.
                if self.lines.count() > 0 {
                    return Step::Head(self.give_head());
                }
                self.state = State::Silence;
                Step::Wait
            }
            State::Head | State::Stray => {
                let begins = start::begins_response(self.lines.held());
                if begins { Step::Head(self.give_head()) } else { Step::Headless }
            }
            State::Length(_) => self.ended(Ending::Cut),
            State::Chunks { chunks, .. } => {
                let is_whole = chunks.is_last_at_end() && !self.has_lost;
                self.ended(if is_whole { Ending::Whole } else { Ending::Cut })
            }
            State::UntilEnd | State::Trailers | State::Perhaps(_) => self.ended(self.ending()),
            State::Ended(ending) => self.ended(*ending),
        }
    }

    /// What a server said without a head: its first bytes, the others follow as
    /// a body until the end.
    pub(super) fn headless(&mut self) -> Vec<u8> {
        let mut bytes = self.lines.take();
        bytes.append(&mut self.peeked);
        self.begin_message();
        self.follow(Framing::UntilEnd);
        bytes
    }

    /// From here on the next message is looked for.
    pub(super) fn search_on(&mut self) {
        self.lines.take();
        self.peeked.clear();
        self.state = State::Search;
    }

    fn ended(&mut self, ending: Ending) -> Step<'static> {
        self.state = State::Idle;
        Step::End(ending)
    }

    const fn ending(&self) -> Ending {
        if self.has_lost { Ending::Cut } else { Ending::Whole }
    }

    fn begin_message(&mut self) {
        self.told = Oddities::default();
        self.junk_len = 0;
        self.has_begun = true;
    }

    fn give_head(&mut self) -> Vec<u8> {
        self.begin_message();
        self.odd.note(self.lines.is_cut(), Oddity::TooLong);
        self.odd.note(self.lines.is_deformed(), Oddity::LineEnd);
        self.state = State::Told;
        self.lines.take()
    }

    /// Passes over the line ends between messages.
    fn begin<'b>(&mut self, rest: &mut &'b [u8]) -> Option<Step<'b>> {
        let blanks = rest.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
        *rest = rest.get(blanks..).unwrap_or_default();
        if rest.is_empty() {
            return Some(Step::Wait);
        }
        self.told = Oddities::default();
        self.state = State::Head;
        None
    }

    fn head<'b>(&mut self, rest: &mut &'b [u8]) -> Option<Step<'b>> {
        let before = self.lines.held().len();
        let ended = self.lines.read(self.role, rest);
        let is_first = self.lines.count() <= 1;
        match ended {
            Some(Ended::Head) => return Some(Step::Head(self.give_head())),
            Some(Ended::Ignorable) => self.odd.add(Oddity::LeadingBlanks),
            Some(Ended::Line) if is_first && !self.begins_message() => self.state = self.astray(),
            // A server's first line decides long before it ends.
            None if is_first && before < LINE_MAX && self.lines.held().len() >= LINE_MAX => {
                if !self.begins_message() {
                    self.state = self.astray();
                }
            }
            Some(Ended::Line) | None => {}
        }
        if rest.is_empty() && matches!(self.state, State::Head) { Some(Step::Wait) } else { None }
    }

    /// Whether the first line is one of a message.
    fn begins_message(&self) -> bool {
        match self.role {
            Role::Client => start::begins_request(self.lines.held()),
            Role::Server => start::begins_response(self.lines.held()),
        }
    }

    /// A first line that begins no message has come.
    fn astray(&mut self) -> State {
        self.odd.add(Oddity::LineInvalid);
        match self.role {
            Role::Server => State::Stray,
            Role::Client => {
                self.junk_len += self.lines.take().len() as u64;
                State::Search
            }
        }
    }

    /// Behind a stray line: a message, or the rest of something else.
    fn stray(&mut self, rest: &mut &[u8]) -> Step<'static> {
        match self.peek(rest) {
            Peeked::Wait => Step::Wait,
            Peeked::Message => {
                self.junk_len += self.lines.take().len() as u64;
                self.state = State::Head;
                Step::Again(std::mem::take(&mut self.peeked))
            }
            Peeked::Other => Step::Headless,
        }
    }

    /// Whether what follows begins a message of a server.
    fn peek(&mut self, rest: &mut &[u8]) -> Peeked {
        loop {
            let blanks = self.peeked.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
            let read = self.peeked.len() - blanks;
            let Some(&expected) = PROTOCOL.get(read) else { return Peeked::Message };
            let Some((&byte, after)) = rest.split_first() else { return Peeked::Wait };
            *rest = after;
            self.peeked.push(byte);
            let is_blank = read == 0 && blanks < BLANKS_MAX && matches!(byte, b'\r' | b'\n');
            if !is_blank && !byte.eq_ignore_ascii_case(&expected) {
                return Peeked::Other;
            }
        }
    }

    fn perhaps<'b>(&mut self, rest: &mut &'b [u8]) -> Option<Step<'b>> {
        let State::Perhaps(len) = self.state else { return None };
        match self.peek(rest) {
            Peeked::Wait => Some(Step::Wait),
            Peeked::Message => {
                // The end is said first; what was peeked at is read after it.
                self.state = State::Ended(Ending::Whole);
                Some(Step::Again(std::mem::take(&mut self.peeked)))
            }
            Peeked::Other => {
                self.odd.add(Oddity::BodyUnexpected);
                self.follow(len.map_or(Framing::Chunks { otherwise: None }, Framing::Length));
                Some(Step::Again(std::mem::take(&mut self.peeked)))
            }
        }
    }

    fn chunks<'b>(&mut self, rest: &mut &'b [u8]) -> Option<Step<'b>> {
        let State::Chunks { chunks, otherwise } = &mut self.state else { return None };
        let before = rest.len();
        let next = chunks.read(rest, &mut self.odd);
        self.wire_len += (before - rest.len()) as u64;
        match next {
            Next::Wait => Some(Step::Wait),
            Next::Data(data) => Some(Step::Body(data)),
            Next::Last => {
                self.state = State::Trailers;
                None
            }
            Next::NoChunk(line) => {
                self.odd.add(Oddity::ChunkInvalid);
                let (otherwise, has_begun) = (*otherwise, chunks.has_begun());
                self.wire_len = self.wire_len.saturating_sub(line.len() as u64);
                self.state = match (self.role, otherwise) {
                    // A request has an end: what follows is another.
                    (Role::Client, _) => State::Ended(Ending::Cut),
                    (Role::Server, Some(len)) if !has_begun => State::Length(len),
                    (Role::Server, _) => State::UntilEnd,
                };
                Some(Step::Again(line))
            }
        }
    }

    fn trailers<'b>(&mut self, rest: &mut &'b [u8]) -> Option<Step<'b>> {
        let before = rest.len();
        let ended = self.lines.read(self.role, rest);
        self.wire_len += (before - rest.len()) as u64;
        match ended {
            // An empty line before any other: there are none.
            Some(Ended::Head | Ended::Ignorable) => {
                let lines = self.lines.take();
                self.state = State::Ended(self.ending());
                if lines.is_empty() { None } else { Some(Step::Trailers(lines)) }
            }
            Some(Ended::Line) => None,
            None => Some(Step::Wait),
        }
    }

    /// Looks for the first line of a message in what cannot be read.
    fn search<'b>(&mut self, rest: &mut &'b [u8]) -> Option<Step<'b>> {
        let end = rest.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        *rest = after;
        self.peeked.extend_from_slice(line);
        self.junk_len += line.len() as u64;
        if end.is_none() {
            // The beginning of a first line may be at the end of this.
            let over = self.peeked.len().saturating_sub(LINE_MAX);
            if over > 0 {
                self.peeked.drain(..over + LINE_MAX / 2);
            }
            return Some(Step::Wait);
        }
        let line = std::mem::take(&mut self.peeked);
        let first = match self.role {
            Role::Client => start::find_request(&line),
            Role::Server => start::find_response(&line),
        };
        if let Some(first) = first.and_then(|at| line.get(at..)) {
            self.junk_len = 0;
            self.told = Oddities::default();
            self.lines = Lines::after(first.to_vec());
            self.state = State::Head;
        }
        None
    }
}

/// What bytes that are peeked at are.
enum Peeked {
    Wait,
    Message,
    Other,
}

impl Step<'_> {
    /// The same, where it borrows nothing.
    fn lasting(self) -> Step<'static> {
        match self {
            Step::End(ending) => Step::End(ending),
            _ => Step::Wait,
        }
    }
}

/// Bytes of a body of which so many are left.
fn take<'b>(left: &mut u64, rest: &mut &'b [u8]) -> Step<'b> {
    if rest.is_empty() {
        return Step::Wait;
    }
    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
    let (body, after) = rest.split_at(len);
    *rest = after;
    *left -= len as u64;
    Step::Body(body)
}

const fn body_len(step: &Step<'_>) -> u64 {
    if let Step::Body(bytes) = step { bytes.len() as u64 } else { 0 }
}
