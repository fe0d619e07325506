//! The dissector of TLS over a stream: from its first byte, or from where another
//! protocol made way for it.

use super::Tls;
use super::session::Ledger;
use crate::dissect::{Dissector, Listener, Progress};
use crate::flow::Direction;

/// TLS over TCP.
#[derive(Debug, Default)]
pub struct TlsStream {
    tls: Tls,
    ledger: Ledger,
}

impl TlsStream {
    /// What follows is told once there is nothing more to learn.
    fn after(&mut self, progress: Progress, listener: &mut dyn Listener) -> Progress {
        if progress != Progress::More {
            self.ledger.tell(listener);
        }
        progress
    }
}

impl Dissector for TlsStream {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let Self { tls, ledger } = self;
        let progress = tls.bytes(direction, bytes, &mut |fact| ledger.take(fact, listener));
        self.after(progress, listener)
    }

    fn gap(&mut self, direction: Direction, _len: u64, listener: &mut dyn Listener) -> Progress {
        let progress = self.tls.lose(direction);
        self.after(progress, listener)
    }

    fn end(&mut self, direction: Direction, listener: &mut dyn Listener) -> Progress {
        let progress = self.tls.lose(direction);
        self.after(progress, listener)
    }

    fn close(&mut self, listener: &mut dyn Listener) {
        self.ledger.tell(listener);
    }

    fn held(&self) -> usize {
        self.tls.held() + self.ledger.held()
    }
}
