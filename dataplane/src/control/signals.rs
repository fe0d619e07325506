//! Signals as readable bytes, so that one poll waits for them and for clients.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::ControlError;

/// Catches SIGTERM, SIGINT (stop) and SIGHUP (reload) until dropped.
pub(super) struct Signals {
    wake: UnixStream,
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    registered: Vec<signal_hook::SigId>,
}

impl Signals {
    pub(super) fn catch() -> Result<Self, ControlError> {
        let (wake, writer) = UnixStream::pair().map_err(ControlError::Signals)?;
        wake.set_nonblocking(true).map_err(ControlError::Signals)?;
        let mut signals = Self { wake, stop: Arc::default(), reload: Arc::default(), registered: Vec::new() };
        for (signal, flag) in [(SIGTERM, &signals.stop), (SIGINT, &signals.stop), (SIGHUP, &signals.reload)] {
            let writer = writer.try_clone().map_err(ControlError::Signals)?;
            // The flag is set before the byte is written: handlers of one
            // signal run in the order of their registration.
            let ids = [
                signal_hook::flag::register(signal, Arc::clone(flag)).map_err(ControlError::Signals)?,
                signal_hook::low_level::pipe::register(signal, writer).map_err(ControlError::Signals)?,
            ];
            signals.registered.extend(ids);
        }
        Ok(signals)
    }

    /// Whether SIGTERM or SIGINT has come.
    pub(super) fn stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Whether SIGHUP has come since the last call; also empties the pipe.
    pub(super) fn take_reload(&mut self) -> bool {
        let mut bytes = [0; 64];
        while matches!(self.wake.read(&mut bytes), Ok(n) if n == bytes.len()) {}
        self.reload.swap(false, Ordering::AcqRel)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
