//! UDP through the lab: an echo at one side, questions and counted streams from
//! the other.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::STALLED;
use crate::lab::{Family, Lab, Side};
use crate::wait::wait_for;

/// Datagrams of a counted stream that are under way at once: few enough that
/// no queue between two idle ends can overflow, so that one lost is one lost by
/// the gateway.
const UNDER_WAY_MAX: usize = 32;

/// Sends everything back to where it came from, as long as this value lives.
#[derive(Debug)]
pub struct Echo {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What came of one question to a UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It came back.
    Echoed,
    /// An ICMP error came back, and this is what the socket made of it.
    Refused(ErrorKind),
    /// Nothing came back in time.
    Silent,
}

impl Lab {
    /// Echoes UDP on a port of one side.
    pub fn echo(&self, side: Side, family: Family, port: u16) -> Echo {
        let at = side.at(family, port);
        let socket = self.side(side).run(|| UdpSocket::bind(at));
        let socket = socket.unwrap_or_else(|error| panic!("cannot bind {at}: {error}"));
        // Only how quickly it notices that it is to stop.
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a time-out above zero is valid");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut datagram = vec![0; 64 * 1024];
            while !stopped.load(Ordering::Acquire) {
                if let Ok((len, from)) = socket.recv_from(&mut datagram) {
                    let _ = socket.send_to(&datagram[..len], from);
                }
            }
        });
        Echo { stop, thread: Some(thread) }
    }

    /// A UDP socket that speaks from one side to a port of the other.
    pub fn udp_to(&self, from: Side, family: Family, port: u16) -> UdpSocket {
        let (here, there) = (from.at(family, 0), from.other().at(family, port));
        let socket = self.side(from).run(|| -> io::Result<UdpSocket> {
            let socket = UdpSocket::bind(here)?;
            socket.connect(there)?;
            Ok(socket)
        });
        let socket = socket.unwrap_or_else(|error| panic!("no UDP socket to {there}: {error}"));
        socket.set_read_timeout(Some(STALLED)).expect("a time-out above zero is valid");
        socket
    }

    /// Sends one datagram as a new flow to an echo, and says what came of it.
    pub fn ask(&self, from: Side, family: Family, port: u16, within: Duration) -> Answer {
        let socket = self.udp_to(from, family, port);
        socket.set_read_timeout(Some(within)).expect("a time-out above zero is valid");
        let mut answer = [0; 16];
        match socket.send(b"who is there").and_then(|_| socket.recv(&mut answer)) {
            Ok(len) => {
                assert_eq!(&answer[..len], b"who is there");
                Answer::Echoed
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Answer::Silent,
            Err(error) => Answer::Refused(error.kind()),
        }
    }

    /// Starts a stream of numbered datagrams from the client to an echo at the
    /// server.
    pub fn start_counted_stream(&self, family: Family, port: u16) -> CountedStream {
        CountedStream::start(self.udp_to(Side::Client, family, port))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Numbered datagrams to an echo, as fast as they come back, until stopped:
/// each must come back exactly once.
#[derive(Debug)]
pub struct CountedStream {
    stop: Arc<AtomicBool>,
    echoed: Arc<AtomicU64>,
    thread: JoinHandle<Result<u64, String>>,
}

impl CountedStream {
    /// Starts to send through a connected socket.
    fn start(socket: UdpSocket) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let echoed = Arc::new(AtomicU64::new(0));
        let thread = {
            let (stop, echoed) = (Arc::clone(&stop), Arc::clone(&echoed));
            std::thread::spawn(move || stream(&socket, &stop, &echoed))
        };
        Self { stop, echoed, thread }
    }

    /// Waits until `more` further datagrams have come back, or the stream has
    /// failed, which [`CountedStream::finish`] tells.
    pub fn wait_for_more(&self, more: u64) {
        let goal = self.echoed.load(Ordering::Acquire) + more;
        wait_for("a stream that goes on", 2 * STALLED, || {
            (self.thread.is_finished() || self.echoed.load(Ordering::Acquire) >= goal).then_some(())
        });
    }

    /// Stops it and gives how many datagrams it sent; says what was lost when
    /// not each came back.
    pub fn finish(self) -> Result<u64, String> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Keeps a few numbered datagrams under way until told to stop, then waits for
/// those that are still out.
fn stream(socket: &UdpSocket, stop: &AtomicBool, echoed: &AtomicU64) -> Result<u64, String> {
    let mut under_way = BTreeSet::new();
    let mut sent = 0_u64;
    loop {
        while under_way.len() < UNDER_WAY_MAX && !stop.load(Ordering::Acquire) {
            let written = socket.send(&sent.to_be_bytes());
            written.map_err(|error| format!("datagram {sent} was refused: {error}"))?;
            under_way.insert(sent);
            sent += 1;
        }
        if under_way.is_empty() {
            return Ok(sent);
        }
        let mut number = [0; 8];
        let came = socket.recv(&mut number);
        came.map_err(|error| {
            format!("of {sent} datagrams these did not come back: {under_way:?} ({error})")
        })?;
        let number = u64::from_be_bytes(number);
        if !under_way.remove(&number) {
            return Err(format!("datagram {number} came back twice, or was never sent"));
        }
        echoed.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket to an echo on the loopback that treats each number as told.
    fn echo_that(treats: fn(u64) -> usize) -> UdpSocket {
        let echo = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(echo.local_addr().unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        echo.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        std::thread::spawn(move || {
            let mut number = [0; 8];
            while let Ok((_, from)) = echo.recv_from(&mut number) {
                for _ in 0..treats(u64::from_be_bytes(number)) {
                    let _ = echo.send_to(&number, from);
                }
            }
        });
        socket
    }

    #[test]
    fn counts_what_comes_back() {
        let stream = CountedStream::start(echo_that(|_| 1));
        stream.wait_for_more(500);
        assert!(stream.finish().unwrap() >= 500);
    }

    #[test]
    fn names_the_lost_one() {
        let stream = CountedStream::start(echo_that(|number| usize::from(number != 40)));
        stream.wait_for_more(100_000);
        assert!(stream.finish().unwrap_err().contains("{40}"));
    }

    #[test]
    fn notices_a_double() {
        let stream = CountedStream::start(echo_that(|number| 1 + usize::from(number == 40)));
        stream.wait_for_more(100_000);
        assert_eq!(stream.finish(), Err("datagram 40 came back twice, or was never sent".into()));
    }
}
