//! The Unix control socket: made private, served one line at a time.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ControlError;
use super::protocol::{Request, Response};

/// A client that says nothing, or reads nothing, is dropped after this long,
/// so that it cannot hold up signals and reloads.
const CLIENT_PATIENCE: Duration = Duration::from_millis(500);
/// Longer lines are no requests.
const REQUEST_LEN_MAX: u64 = 4096;

/// The listening end; removes its path when dropped.
pub(super) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds `path`, readable and writable by the owner alone (0600).
    ///
    /// A socket that a dead gateway left behind is replaced; one that answers
    /// is an error.
    pub(super) fn bind(path: &Path) -> Result<Self, ControlError> {
        let failed = |source| ControlError::Socket { path: path.to_owned(), source };
        if UnixStream::connect(path).is_ok() {
            return Err(ControlError::AlreadyRunning { path: path.to_owned() });
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        // Bound under another name and moved into place once it is private:
        // at no moment can anybody else open it.
        let mut private = path.as_os_str().to_owned();
        private.push(format!(".{}", std::process::id()));
        let private = PathBuf::from(private);
        let _ = std::fs::remove_file(&private);
        let listener = UnixListener::bind(&private).map_err(failed)?;
        let placed = std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600))
            .and_then(|()| listener.set_nonblocking(true))
            .and_then(|()| std::fs::rename(&private, path));
        if let Err(source) = placed {
            let _ = std::fs::remove_file(&private);
            return Err(failed(source));
        }
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Serves every client that is waiting; never blocks for longer than a
    /// client's patience.
    pub(super) fn serve(&self, mut answer: impl FnMut(Request) -> Response) {
        loop {
            match self.listener.accept() {
                Ok((client, _)) => {
                    if let Err(error) = serve_client(&client, &mut answer) {
                        log::debug!("control client went away: {error}");
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

impl AsFd for ControlSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve_client(client: &UnixStream, answer: &mut impl FnMut(Request) -> Response) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(CLIENT_PATIENCE))?;
    client.set_write_timeout(Some(CLIENT_PATIENCE))?;
    let mut line = String::new();
    BufReader::new(io::Read::take(client, REQUEST_LEN_MAX)).read_line(&mut line)?;
    if line.is_empty() {
        return Ok(());
    }
    let response = match serde_json::from_str(&line) {
        Ok(request) => answer(request),
        Err(error) => Response::refused(2, format!("not a request: {error}")),
    };
    let mut text = serde_json::to_string(&response)?;
    text.push('\n');
    let mut client = client;
    client.write_all(text.as_bytes())
}

/// Asks the gateway behind `path` one thing.
pub fn ask(path: &Path, request: &Request) -> Result<Response, ControlError> {
    let failed = |source| ControlError::NoGateway { path: path.to_owned(), source };
    let mut stream = UnixStream::connect(path).map_err(failed)?;
    let mut text = serde_json::to_string(request).map_err(|error| failed(error.into()))?;
    text.push('\n');
    stream.write_all(text.as_bytes()).map_err(failed)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(failed)?;
    serde_json::from_str(&line).map_err(|error| failed(error.into()))
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn only_its_owner_may_open_it_and_it_goes_when_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("control.sock");
        let socket = ControlSocket::bind(&path).expect("bound");
        let mode = std::fs::metadata(&path).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn refuses_a_second_gateway_but_replaces_a_dead_ones_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let socket = ControlSocket::bind(&path).expect("bound");
        assert!(matches!(ControlSocket::bind(&path), Err(ControlError::AlreadyRunning { .. })));
        // What kill -9 leaves: the path without anybody listening.
        drop(socket);
        drop(UnixListener::bind(&path).expect("bound by another"));
        assert!(path.exists());
        ControlSocket::bind(&path).expect("the dead one's place is taken");
    }

    #[test]
    fn answers_requests_and_refuses_noise() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let socket = ControlSocket::bind(&path).expect("bound");
        std::thread::scope(|scope| {
            let client = scope.spawn(|| ask(&path, &Request::Status));
            while !client.is_finished() {
                socket.serve(|request| {
                    Response::of(serde_json::json!({ "asked": request == Request::Status }))
                });
                std::thread::yield_now();
            }
            let response = client.join().expect("no panic").expect("an answer");
            assert_eq!(response, Response::of(serde_json::json!({ "asked": true })));

            let client = scope.spawn(|| {
                let mut stream = UnixStream::connect(&path)?;
                stream.write_all(b"GET / HTTP/1.0\r\n")?;
                let mut line = String::new();
                BufReader::new(stream).read_line(&mut line)?;
                io::Result::Ok(line)
            });
            while !client.is_finished() {
                socket.serve(|_| Response::of(serde_json::Value::Null));
                std::thread::yield_now();
            }
            let line = client.join().expect("no panic").expect("a line");
            assert!(line.contains("not a request"), "{line}");
        });
    }
}
