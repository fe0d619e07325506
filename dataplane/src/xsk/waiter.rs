//! Sleeping until there are packets, or until somebody calls.
//!
//! A worker that polls adaptively sleeps here when its queues are empty. A
//! [`Waker`] ends the sleep from any thread: to hand packets over, to reload, to
//! stop. A call is never lost: it ends the present wait or the next one. Calls
//! to a worker that is awake cost one system call in all, not one each.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, Event};
use super::{XskError, sys};

/// Why a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awake {
    /// One of the sockets has something.
    Ready,
    /// A [`Waker`] called; the sockets may have something too.
    Called,
    /// The time is over, or a signal came.
    TimedOut,
}

/// Waits for any of several sockets, with a time-out.
///
/// It keeps the sockets open: drop it before binding to their queues again.
#[derive(Debug)]
pub struct Waiter {
    call: Arc<Call<EventFd>>,
    /// Open as long as `polls` names them.
    _sockets: Vec<OwnedFd>,
    /// The call first, then the sockets.
    polls: Vec<libc::pollfd>,
}

/// Ends a [`Waiter`]'s wait, from any thread.
#[derive(Clone, Debug)]
pub struct Waker {
    call: Arc<Call<EventFd>>,
}

/// An eventfd.
#[derive(Debug)]
struct EventFd(File);

impl Event for EventFd {
    fn raise(&self) {
        // Fails only when the counter is full, and then it is readable anyway.
        let _ = (&self.0).write_all(&1u64.to_ne_bytes());
    }

    fn clear(&self) -> io::Result<()> {
        (&self.0).read_exact(&mut [0; 8])
    }
}

impl Waiter {
    /// A waiter for input on all of `sockets`.
    pub fn new<'s>(sockets: impl IntoIterator<Item = BorrowedFd<'s>>) -> Result<Self, XskError> {
        let failed = |source| XskError::Wait { source };
        let event = File::from(sys::eventfd().map_err(failed)?);
        let sockets: Vec<_> = sockets
            .into_iter()
            .map(|socket| socket.try_clone_to_owned())
            .collect::<io::Result<_>>()
            .map_err(failed)?;
        let mut polls = vec![sys::poll_input(event.as_fd())];
        polls.extend(sockets.iter().map(|socket| sys::poll_input(socket.as_fd())));
        Ok(Self { call: Arc::new(Call::new(EventFd(event))), _sockets: sockets, polls })
    }

    /// A handle that ends waits.
    pub fn waker(&self) -> Waker {
        Waker { call: Arc::clone(&self.call) }
    }

    /// Sleeps until a socket has packets, a [`Waker`] calls, or `timeout` is over.
    ///
    /// The kernel also sends what is queued on the sockets' TX rings.
    pub fn wait(&mut self, timeout: Duration) -> Result<Awake, XskError> {
        match sys::poll(&mut self.polls, timeout) {
            Ok(0) => return Ok(Awake::TimedOut),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Awake::TimedOut),
            Err(source) => return Err(XskError::Wait { source }),
        }
        if self.polls.first().is_none_or(|call| call.revents == 0) {
            return Ok(Awake::Ready);
        }
        self.call.answer().map_err(|source| XskError::Wait { source })?;
        Ok(Awake::Called)
    }
}

impl Waker {
    /// Ends the present wait, or the next one.
    pub fn wake(&self) {
        self.call.make();
    }
}

#[cfg(all(test, not(loom)))]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::sync::mpsc;

    use super::*;

    /// Long enough that only a fault reaches it.
    const EVER: Duration = Duration::from_mins(1);

    #[test]
    fn wakes_for_a_socket_and_says_so() {
        let (near, far) = UnixDatagram::pair().unwrap();
        let mut waiter = Waiter::new([near.as_fd()]).unwrap();
        assert_eq!(waiter.wait(Duration::ZERO).unwrap(), Awake::TimedOut);
        far.send(b"packet").unwrap();
        assert_eq!(waiter.wait(EVER).unwrap(), Awake::Ready);
        near.recv(&mut [0; 8]).unwrap();
        assert_eq!(waiter.wait(Duration::from_micros(1)).unwrap(), Awake::TimedOut);
    }

    #[test]
    fn answers_a_call_made_before_the_wait_once() {
        let mut waiter = Waiter::new([]).unwrap();
        let waker = waiter.waker();
        waker.wake();
        waker.clone().wake();
        assert_eq!(waiter.wait(EVER).unwrap(), Awake::Called);
        assert_eq!(waiter.wait(Duration::ZERO).unwrap(), Awake::TimedOut);
    }

    #[test]
    fn loses_no_call() {
        let mut waiter = Waiter::new([]).unwrap();
        let waker = waiter.waker();
        let (sender, receiver) = mpsc::channel();
        let caller = std::thread::spawn(move || {
            for number in 0..50_000u32 {
                sender.send(number).unwrap();
                waker.wake();
            }
        });
        let mut expected = 0;
        while expected < 50_000 {
            assert_eq!(waiter.wait(EVER).unwrap(), Awake::Called, "lost after {expected}");
            for number in receiver.try_iter() {
                assert_eq!(number, expected);
                expected += 1;
            }
        }
        caller.join().unwrap();
    }
}
