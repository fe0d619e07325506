//! TCP through the lab: connections, and transfers checked byte by byte.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::STALLED;
use crate::bytes::{SeededBytes, first_difference};
use crate::lab::{Family, Lab, Side};
use crate::wait::{answered, wait_for};

/// Bytes written or read at once.
const CHUNK: usize = 64 * 1024;

/// Which way the bytes of a transfer go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Client to server.
    Up,
    /// Server to client.
    Down,
}

impl Way {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];
}

/// An open connection, both of its ends.
#[derive(Debug)]
pub struct Connection {
    /// The end that opened it.
    pub client: TcpStream,
    /// The end that accepted it.
    pub server: TcpStream,
}

impl Lab {
    /// Listens on a port of the server.
    pub fn listen(&self, family: Family, port: u16) -> TcpListener {
        let at = Side::Server.at(family, port);
        let listener = self.server().run(|| TcpListener::bind(at));
        let listener = listener.unwrap_or_else(|error| panic!("cannot listen on {at}: {error}"));
        listener.set_nonblocking(true).expect("a listener can be asked without waiting");
        listener
    }

    /// Opens a connection from the client, with or without anybody to accept
    /// it.
    pub fn open(&self, family: Family, port: u16, within: Duration) -> io::Result<TcpStream> {
        let to = Side::Server.at(family, port);
        self.client().run(|| TcpStream::connect_timeout(&to, within))
    }

    /// Opens a connection to a listener of [`Lab::listen`].
    pub fn connect_to(&self, listener: &TcpListener) -> io::Result<Connection> {
        let to = listener.local_addr()?;
        let client = self.client().run(|| TcpStream::connect_timeout(&to, STALLED))?;
        let server = wait_for("a connection to accept", STALLED, || accept(listener));
        for end in [&client, &server] {
            end.set_read_timeout(Some(STALLED))?;
            end.set_write_timeout(Some(STALLED))?;
        }
        Ok(Connection { client, server })
    }

    /// Opens a connection to a port of the server, listening there only for it.
    pub fn connect(&self, family: Family, port: u16) -> Connection {
        let listener = self.listen(family, port);
        self.connect_to(&listener)
            .unwrap_or_else(|error| panic!("cannot connect to port {port} over {family:?}: {error}"))
    }

    /// Carries bytes over a new connection and checks each; panics when one
    /// differs or the connection breaks.
    pub fn transfer(&self, family: Family, way: Way, bytes: u64) {
        let seed = bytes ^ u64::from(family == Family::V6) << 63 ^ u64::from(way == Way::Down) << 62;
        Transfer::start(self.connect(family, 8080), way, bytes, seed).finish();
    }
}

/// A waiting connection; `None` when there is none.
fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nonblocking(false).expect("a stream can be waited for");
            Some(stream)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => panic!("cannot accept: {error}"),
    }
}

/// A transfer under way, one thread at each end.
#[derive(Debug)]
pub struct Transfer {
    bytes: u64,
    received: Arc<AtomicU64>,
    gate: mpsc::Sender<()>,
    sender: JoinHandle<io::Result<()>>,
    receiver: JoinHandle<Result<(), String>>,
    broken: Arc<AtomicBool>,
}

impl Transfer {
    /// Starts to send `bytes` bytes of the stream of `seed`.
    pub fn start(connection: Connection, way: Way, bytes: u64, seed: u64) -> Self {
        Self::start_held(connection, way, bytes, seed, bytes)
    }

    /// Starts a transfer that stops after `hold_at` bytes until
    /// [`Transfer::release`]: so that it cannot be over too early.
    pub fn start_held(connection: Connection, way: Way, bytes: u64, seed: u64, hold_at: u64) -> Self {
        let Connection { client, server } = connection;
        let (from, to) = match way {
            Way::Up => (client, server),
            Way::Down => (server, client),
        };
        let received = Arc::new(AtomicU64::new(0));
        let broken = Arc::new(AtomicBool::new(false));
        let (gate, opened) = mpsc::channel();
        let sender = std::thread::spawn(move || send(from, bytes, seed, hold_at, &opened));
        let receiver = {
            let (received, broken) = (Arc::clone(&received), Arc::clone(&broken));
            std::thread::spawn(move || {
                let outcome = check(to, bytes, seed, &received);
                broken.store(outcome.is_err(), Ordering::Release);
                outcome
            })
        };
        Self { bytes, received, gate, sender, receiver, broken }
    }

    /// Bytes that have arrived and were right.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Acquire)
    }

    /// Waits until so many bytes have arrived; panics when they do not.
    pub fn wait_received(&self, bytes: u64) {
        let arrived = answered(STALLED, || {
            (self.received() >= bytes || self.broken.load(Ordering::Acquire)).then_some(())
        });
        let received = self.received();
        assert!(arrived.is_some() && received >= bytes, "{received} of {bytes} bytes arrived");
    }

    /// Lets a held transfer go on.
    pub fn release(&self) {
        // A sender that has failed no longer listens; `finish` says why.
        let _ = self.gate.send(());
    }

    /// Like [`Transfer::finish`], and panics when it takes longer than `within`,
    /// however steadily it goes on.
    pub fn finish_within(self, within: Duration) {
        self.release();
        let ended = answered(within, || self.receiver.is_finished().then_some(()));
        let received = self.received();
        assert!(ended.is_some(), "{received} of {} bytes arrived within {within:?}", self.bytes);
        self.finish();
    }

    /// Waits for the end; panics unless every byte arrived as it was sent.
    pub fn finish(self) {
        self.release();
        let bytes = self.bytes;
        let checked = self.receiver.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let sent = self.sender.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert!(checked.is_ok() && sent.is_ok(), "transfer of {bytes} bytes: {checked:?}, sender: {sent:?}");
    }
}

fn send(
    mut to: TcpStream,
    bytes: u64,
    seed: u64,
    hold_at: u64,
    opened: &mpsc::Receiver<()>,
) -> io::Result<()> {
    let mut stream = SeededBytes::new(seed);
    let mut chunk = vec![0; CHUNK];
    let mut sent = 0;
    while sent < bytes {
        if sent == hold_at {
            opened.recv().map_err(io::Error::other)?;
        }
        let end = if sent < hold_at { hold_at.min(bytes) } else { bytes };
        let len = usize::try_from(end - sent).unwrap_or(CHUNK).min(CHUNK);
        stream.fill(&mut chunk[..len]);
        to.write_all(&chunk[..len])?;
        sent += len as u64;
    }
    to.shutdown(Shutdown::Write)
}

fn check(mut from: TcpStream, bytes: u64, seed: u64, received: &AtomicU64) -> Result<(), String> {
    let mut stream = SeededBytes::new(seed);
    let mut chunk = vec![0; CHUNK];
    let mut expected = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let len = from.read(&mut chunk).map_err(|error| format!("after {at} bytes: {error}"))?;
        if len == 0 {
            break;
        }
        stream.fill(&mut expected[..len]);
        if let Some(offset) = first_difference(&expected[..len], &chunk[..len]) {
            return Err(format!("byte {} differs", at + offset as u64));
        }
        at += len as u64;
        received.store(at, Ordering::Release);
    }
    if at == bytes { Ok(()) } else { Err(format!("ended after {at} of {bytes} bytes")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        Connection { client, server }
    }

    #[test]
    fn a_held_transfer_waits_and_then_ends() {
        let transfer = Transfer::start_held(loopback(), Way::Down, 300_000, 1, 100_001);
        transfer.wait_received(100_001);
        assert_eq!(transfer.received(), 100_001);
        transfer.finish();
    }

    #[test]
    fn a_wrong_byte_is_found() {
        let Connection { mut client, server } = loopback();
        let mut bytes = SeededBytes::new(1).take(1_000);
        bytes[777] ^= 1;
        client.write_all(&bytes).unwrap();
        drop(client);
        assert_eq!(check(server, 1_000, 1, &AtomicU64::new(0)), Err("byte 777 differs".into()));
    }

    #[test]
    fn a_missing_end_is_found() {
        let Connection { mut client, server } = loopback();
        client.write_all(&SeededBytes::new(1).take(999)).unwrap();
        drop(client);
        let outcome = check(server, 1_000, 1, &AtomicU64::new(0));
        assert_eq!(outcome, Err("ended after 999 of 1000 bytes".into()));
    }
}
